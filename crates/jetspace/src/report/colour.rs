//! Colour maps for fields and colours for lines, all distinct to colour-blind eyes and in grey.
//!
//! The maps are *batlow*, *lajolla* and *vik* of F. Crameri, *Scientific colour maps*, version 8,
//! 2023, doi:10.5281/zenodo.1243862 (MIT): perceptually uniform, with lightness as their guide.
//! They stand here as 33 equidistant colours each; between these, interpolation is within 2 % of
//! the published tables. Lines have the colours of M. Okabe and K. Ito, *Color Universal Design*,
//! 2008, and grey, but without their yellow, which is lost on white, and black, which is the truth's.

/// How many levels a map is drawn with. An odd number, so that there is a middle one: zero has a
/// colour of its own in a diverging map.
pub(super) const LEVELS: u8 = 255;

/// Red, green and blue.
pub(super) type Rgb = [u8; 3];

/// A colour for every number between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ColourMap {
    /// Equidistant colours, as 0xRRGGBB.
    anchors: &'static [u32; 33],
}

/// For values without a sign of their own: dark blue over green to light pink.
pub(super) const BATLOW: ColourMap = ColourMap {
    anchors: &[
        0x011959, 0x08255b, 0x0d315d, 0x0f3b5f, 0x114360, 0x134b61, 0x165262, 0x1b5962, 0x226061,
        0x2a655e, 0x356a59, 0x406f54, 0x4d734d, 0x597646, 0x667a3f, 0x737e38, 0x818232, 0x90862d,
        0xa08a2b, 0xb08d2e, 0xbf9035, 0xce923f, 0xdb954c, 0xe8985b, 0xf29d6c, 0xf8a27e, 0xfca891,
        0xfdaea3, 0xfdb4b4, 0xfdbac5, 0xfcc0d6, 0xfbc6e8, 0xfaccfa,
    ],
};

/// For sizes of errors: nearly white where there is none, over orange to black. (*lajolla*
/// reversed.)
pub(super) const LAJOLLA: ColourMap = ColourMap {
    anchors: &[
        0xfffecb, 0xfef7b6, 0xfcef9f, 0xfae588, 0xf7d972, 0xf4cd62, 0xf1c159, 0xefb755, 0xedad54,
        0xeba353, 0xe99a52, 0xe79152, 0xe58751, 0xe37e50, 0xe1744f, 0xde6a4f, 0xd95f4e, 0xd1564c,
        0xc54f4a, 0xb64a48, 0xa64644, 0x95423f, 0x853d38, 0x753931, 0x663429, 0x592f22, 0x4c2b1c,
        0x412716, 0x372411, 0x2f210d, 0x271e08, 0x201c04, 0x191900,
    ],
};

/// For values around zero: blue below, nearly white at zero, red above.
pub(super) const VIK: ColourMap = ColourMap {
    anchors: &[
        0x001261, 0x021f69, 0x022b71, 0x023779, 0x034481, 0x045089, 0x0c5e92, 0x1b6d9b, 0x2f7ca6,
        0x478db1, 0x609dbc, 0x79adc7, 0x92bdd2, 0xacccdc, 0xc5dbe5, 0xdce5e9, 0xece5e1, 0xeedacf,
        0xe9cbb9, 0xe2bba4, 0xdcab8f, 0xd59c7b, 0xcf8e68, 0xc97f55, 0xc37243, 0xbc6331, 0xb3531f,
        0xa5400e, 0x932e06, 0x832106, 0x741506, 0x660a07, 0x590008,
    ],
};

impl ColourMap {
    /// The colours of all levels, from 0 to 1.
    pub fn levels(self) -> Vec<Rgb> {
        let last_level = f64::from(LEVELS - 1);
        (0..LEVELS).map(|level| self.colour(f64::from(level) / last_level)).collect()
    }

    /// The colour of a number, which is moved into [0, 1].
    pub fn colour(self, position: f64) -> Rgb {
        let place = position.clamp(0.0, 1.0) * (self.anchors.len() - 1) as f64;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // From 0 to 32.
        let index = place as usize;
        let part = place - index as f64;
        let anchor = |index: usize| self.anchors.get(index).copied().unwrap_or_default();
        let (lower, upper) = (anchor(index), anchor((index + 1).min(self.anchors.len() - 1)));
        [16, 8, 0].map(|shift| {
            let [lower, upper] = [lower, upper].map(|rgb| f64::from((rgb >> shift) & 0xff));
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // From 0 to 255.
            let mixed = (lower + part * (upper - lower)).round() as u8;
            mixed
        })
    }
}

/// How one of several lines looks: its colour, its dashes and the marks on its points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct LineStyle {
    /// A CSS colour.
    pub colour: &'static str,
    /// SVG's `stroke-dasharray`.
    pub dashes: &'static str,
    /// The outline of a mark around the origin, as an SVG path.
    pub mark: &'static str,
}

/// The style of what others are compared with, such as the truth: the colour of the text, dashed, so that
/// lines behind it show.
pub(super) const REFERENCE_STYLE: LineStyle = LineStyle {
    colour: "currentColor",
    dashes: "3 2.4",
    mark: "m0 -2.4l2.4 2.4l-2.4 2.4l-2.4 -2.4z",
};

/// The style of the line with this index; they recur after seven.
pub(super) fn line_style(index: usize) -> LineStyle {
    const DISC: &str = "m-2.6 0a2.6 2.6 0 1 0 5.2 0a2.6 2.6 0 1 0 -5.2 0z";
    const SQUARE: &str = "m-2.3 -2.3h4.6v4.6h-4.6z";
    const TRIANGLE: &str = "m0 -3l2.9 5h-5.8z";
    const DIAMOND: &str = "m0 -3.2l3.2 3.2l-3.2 3.2l-3.2 -3.2z";
    const STYLES: [LineStyle; 7] = [
        LineStyle { colour: "#0072b2", dashes: "none", mark: DISC },
        LineStyle { colour: "#d55e00", dashes: "6 2", mark: SQUARE },
        LineStyle { colour: "#009e73", dashes: "2 1.6", mark: TRIANGLE },
        LineStyle { colour: "#cc79a7", dashes: "7 2 1.5 2", mark: DIAMOND },
        LineStyle { colour: "#e69f00", dashes: "11 3", mark: DISC },
        LineStyle { colour: "#56b4e9", dashes: "7 2 1.5 2 1.5 2", mark: SQUARE },
        LineStyle { colour: "#808080", dashes: "4 3", mark: TRIANGLE },
    ];
    STYLES[index % STYLES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// L* of CIE 1976, from sRGB (IEC 61966-2-1) under D65.
    fn lightness(rgb: Rgb) -> f64 {
        let [r, g, b] = rgb.map(|channel| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        });
        let y = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        let f = if y > 216.0 / 24389.0 { y.cbrt() } else { (24389.0 / 27.0 * y + 16.0) / 116.0 };
        116.0 * f - 16.0
    }

    fn lightnesses(map: ColourMap) -> Vec<f64> {
        map.levels().into_iter().map(lightness).collect()
    }

    /// Rounding to 8 bits moves L* by up to 0.3.
    fn rises(lightnesses: &[f64]) -> bool {
        lightnesses.windows(2).all(|pair| pair[1] > pair[0] - 0.3)
            && lightnesses.windows(17).all(|stretch| stretch[16] > stretch[0] + 1.0)
    }

    #[test]
    fn sequential_maps_are_monotone_in_lightness() {
        assert!(rises(&lightnesses(BATLOW)));
        let mut lajolla = lightnesses(LAJOLLA);
        lajolla.reverse();
        assert!(rises(&lajolla));
    }

    #[test]
    fn the_diverging_map_is_lightest_at_its_centre_and_falls_evenly() {
        let vik = lightnesses(VIK);
        assert_eq!(vik.len(), usize::from(LEVELS));
        let (below, above) = vik.split_at(127);
        let mut above = above.to_vec();
        above.reverse();
        assert!(rises(below) && rises(&above));
        assert!((vik[0] - vik[254]).abs() < 5.0, "equally dark at both ends");
        assert!(vik[127] > 88.0, "nearly white at zero");
    }

    #[test]
    fn ends_are_the_published_ones() {
        assert_eq!(BATLOW.colour(0.0), [0x01, 0x19, 0x59]);
        assert_eq!(BATLOW.colour(1.0), [0xfa, 0xcc, 0xfa]);
        assert_eq!(BATLOW.colour(7.0), BATLOW.colour(1.0));
        assert_eq!(BATLOW.colour(-7.0), BATLOW.colour(0.0));
        assert_eq!(VIK.colour(0.5), [0xec, 0xe5, 0xe1]);
    }

    #[test]
    fn line_styles_differ_in_grey() {
        let dashes: Vec<&str> = (0..7).map(|index| line_style(index).dashes).collect();
        for (index, pattern) in dashes.iter().enumerate() {
            assert!(!dashes[..index].contains(pattern));
        }
        assert_eq!(line_style(7), line_style(0));
    }
}
