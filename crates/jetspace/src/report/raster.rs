//! Maps of colour levels as PNG images, written into SVG as data URIs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ReportError;
use super::colour::{ColourMap, LEVELS};

/// The level that stands for no value: it is transparent.
pub(super) const NO_VALUE: u8 = LEVELS;

/// An image of `width` × `height` levels, row by row from the top, as a `data:` URI of a PNG with
/// one byte per pixel and the map as its palette.
///
/// # Errors
///
/// [`ReportError::Image`] where a side is zero, or the levels are not `width` × `height`.
pub(super) fn data_uri(
    map: ColourMap,
    levels: &[u8],
    width: usize,
    height: usize,
) -> Result<String, ReportError> {
    // What no `u32` holds, the encoder refuses as it does zero.
    let [width, height] = [width, height].map(|side| u32::try_from(side).unwrap_or_default());
    let mut palette: Vec<u8> = map.levels().concat();
    palette.extend([0; 3]);
    let mut opacity = vec![255; usize::from(LEVELS)];
    opacity.push(0);

    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    // Neighbouring indices say nothing about each other that the filters could use.
    encoder.set_filter(png::Filter::NoFilter);
    encoder.set_palette(palette);
    encoder.set_trns(opacity);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(levels)?;
    writer.finish()?;
    Ok(format!("data:image/png;base64,{}", STANDARD.encode(&file)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::colour::{BATLOW, VIK};

    #[test]
    fn the_image_has_the_colours_of_the_levels() {
        let levels = [0, 127, 254, NO_VALUE, 3, 200];
        let uri = data_uri(VIK, &levels, 3, 2).expect("an image");
        let file = uri.strip_prefix("data:image/png;base64,").expect("a PNG");
        let file = STANDARD.decode(file).expect("base64");
        let mut decoder = png::Decoder::new(std::io::Cursor::new(file));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().expect("a header");
        let mut pixels = vec![0; reader.output_buffer_size().expect("small")];
        let info = reader.next_frame(&mut pixels).expect("an image");
        assert_eq!((info.width, info.height, info.color_type), (3, 2, png::ColorType::Rgba));
        let colours = VIK.levels();
        for (pixel, level) in pixels.chunks_exact(4).zip(levels) {
            match colours.get(usize::from(level)) {
                Some(colour) => assert_eq!(pixel, [colour[0], colour[1], colour[2], 255]),
                None => assert_eq!(pixel[3], 0),
            }
        }
    }

    #[test]
    fn impossible_sizes_are_errors() {
        assert!(matches!(data_uri(BATLOW, &[], 0, 4), Err(ReportError::Image(_))));
        assert!(matches!(data_uri(BATLOW, &[1, 2, 3], 2, 2), Err(ReportError::Image(_))));
    }
}
