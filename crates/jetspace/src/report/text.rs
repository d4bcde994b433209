//! Text as figures, tables and pages show it: escaped, with mathematics set, and measured.
//!
//! Every name, caption and axis label of a report is a *label*: plain text in which whatever stands
//! between two `*` is mathematics. There, letters are italic, and `_` lowers and `^` raises what
//! follows: a run of letters and digits, or a group in braces, whose letters are upright. So
//! `*u_xx*`, `*e_{max}*`, `*10^{−4}*`, `residual of *u_t + u u_x*`. An asterisk without a partner
//! is an asterisk.

use std::iter::Peekable;
use std::str::Chars;

/// The size of subscripts and superscripts, relative to the text they belong to.
const SCRIPT_SIZE: f64 = 0.72;

/// Where a run of a label stands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Base,
    Subscript,
    Superscript,
}

/// A stretch of a label that is set in one way.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    text: String,
    italic: bool,
    level: Level,
}

/// Escapes text for XML and HTML, in elements and in quoted attributes. Characters that XML
/// forbids become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(character),
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                escaped.push('\u{fffd}');
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// A label as HTML.
pub(super) fn html(label: &str) -> String {
    let mut html = String::new();
    for Run { text, italic, level } in runs(label) {
        let (open, close) = match level {
            Level::Base => ("", ""),
            Level::Subscript => ("<sub>", "</sub>"),
            Level::Superscript => ("<sup>", "</sup>"),
        };
        let (slant, upright) = if italic { ("<i>", "</i>") } else { ("", "") };
        html.extend([open, slant, &escape(&text), upright, close]);
    }
    html
}

/// A label as the inside of an SVG `text` element of this size.
pub(super) fn svg(label: &str, size: f64) -> String {
    let mut svg = String::new();
    let mut raised = 0.0;
    for Run { text, italic, level } in runs(label) {
        let height = match level {
            Level::Base => 0.0,
            Level::Subscript => -0.2 * size,
            Level::Superscript => 0.38 * size,
        };
        let mut attributes = String::new();
        if height != raised {
            attributes += &format!(" dy=\"{:.2}\"", raised - height);
        }
        if level != Level::Base {
            attributes += &format!(" font-size=\"{:.2}\"", SCRIPT_SIZE * size);
        }
        if italic {
            attributes += " font-style=\"italic\"";
        }
        svg += &format!("<tspan{attributes}>{}</tspan>", escape(&text));
        raised = height;
    }
    svg
}

/// A label without its marks, for a terminal: `*u_xx*` reads `u_xx`.
pub(super) fn plain(label: &str) -> String {
    let mut plain = String::new();
    for Run { text, level, .. } in runs(label) {
        match level {
            Level::Base => {}
            Level::Subscript => plain.push('_'),
            Level::Superscript => plain.push('^'),
        }
        plain.extend(text.chars().map(|c| if c.is_control() { ' ' } else { c }));
    }
    plain
}

/// A label as Markdown, with the characters that Markdown would take for its own escaped.
pub(super) fn markdown(label: &str) -> String {
    let mut markdown = String::new();
    for character in plain(label).chars() {
        if r"\`*_|<>[]#~$".contains(character) {
            markdown.push('\\');
        }
        markdown.push(character);
    }
    markdown
}

/// The width of a label in Helvetica of this size, in the size's unit.
pub(super) fn width(label: &str, size: f64) -> f64 {
    runs(label)
        .iter()
        .map(|run| {
            let scale = if run.level == Level::Base { 1.0 } else { SCRIPT_SIZE };
            scale * size * run.text.chars().map(character_width).sum::<f64>()
        })
        .sum()
}

/// The size, at most `size` and at least what is legible, at which a label fits into a length.
pub(super) fn fitting_size(label: &str, size: f64, length: f64) -> f64 {
    const LEGIBLE: f64 = 7.0;
    let width = width(label, size);
    if width > length { (size * length / width).max(LEGIBLE) } else { size }
}

/// The advance of a character in Helvetica, in em. Arial and Liberation Sans have the same.
///
/// From the font's metrics (Adobe, `Helvetica.afm`); characters beyond ASCII count as a digit,
/// which is right for most of Latin and Greek.
fn character_width(character: char) -> f64 {
    const FIRST: u32 = ' ' as u32;
    const WIDTHS: [u16; 95] = [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556,
        556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722,
        722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722,
        667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
        556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500,
        500, 334, 260, 334, 584,
    ];
    let index = u32::from(character).checked_sub(FIRST).and_then(|i| usize::try_from(i).ok());
    let other = if is_accent(character) { 0 } else { 556 };
    let width = index.and_then(|i| WIDTHS.get(i)).copied().unwrap_or(other);
    f64::from(width) / 1000.0
}

/// Whether a character is set above or below the one before it.
fn is_accent(character: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&character)
}

/// A label, cut where its setting changes.
fn runs(label: &str) -> Vec<Run> {
    let parts: Vec<&str> = label.split('*').collect();
    let asterisks = parts.len() - 1;
    let mut runs = Vec::new();
    for (index, part) in parts.into_iter().enumerate() {
        if index % 2 == 0 {
            push(&mut runs, part, false, Level::Base);
        } else if index < asterisks {
            push_mathematics(&mut runs, part);
        } else {
            push(&mut runs, "*", false, Level::Base);
            push(&mut runs, part, false, Level::Base);
        }
    }
    runs
}

fn push_mathematics(runs: &mut Vec<Run>, formula: &str) {
    let mut characters = formula.chars().peekable();
    while let Some(character) = characters.next() {
        let level = match character {
            '_' => Level::Subscript,
            '^' => Level::Superscript,
            _ => Level::Base,
        };
        let (script, italic) =
            if level == Level::Base { (String::new(), true) } else { script(&mut characters) };
        if script.is_empty() {
            push_character(runs, character, true, Level::Base);
        }
        for character in script.chars() {
            push_character(runs, character, italic, level);
        }
    }
}

/// What `_` or `^` applies to, and whether its letters are italic: those of a run of letters and
/// digits are, those of a group in braces are not.
fn script(characters: &mut Peekable<Chars>) -> (String, bool) {
    if characters.next_if_eq(&'{').is_some() {
        return (characters.by_ref().take_while(|&c| c != '}').collect(), false);
    }
    let mut script = String::new();
    while let Some(character) = characters.next_if(|c| c.is_alphanumeric()) {
        script.push(character);
    }
    (script, true)
}

/// Appends a character of a formula: only letters can be italic, and accents are set as what they
/// stand on.
fn push_character(runs: &mut Vec<Run>, character: char, italic: bool, level: Level) {
    let italic = match runs.last() {
        Some(last) if is_accent(character) && last.level == level => last.italic,
        _ => italic && character.is_alphabetic(),
    };
    push(runs, character.encode_utf8(&mut [0; 4]), italic, level);
}

/// Appends text, to the last run where the setting is the same.
fn push(runs: &mut Vec<Run>, text: &str, italic: bool, level: Level) {
    match runs.last_mut() {
        Some(last) if last.italic == italic && last.level == level => last.text.push_str(text),
        _ if text.is_empty() => {}
        _ => runs.push(Run { text: text.to_owned(), italic, level }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn mathematics_is_italic_with_scripts() {
        assert_eq!(html("error of *u_xx*"), "error of <i>u</i><sub><i>xx</i></sub>");
        assert_eq!(html("*10^{−4}*"), "10<sup>−4</sup>");
        assert_eq!(html("*e_{max}*"), "<i>e</i><sub>max</sub>");
        assert_eq!(html("*ρ\u{302}−1*"), "<i>ρ\u{302}</i>−1");
        assert_eq!(html("*|û − u|*"), "|<i>û</i> − <i>u</i>|");
        assert_eq!(plain("error of *u_xx*"), "error of u_xx");
        assert_eq!(markdown("*u_x*|y"), r"u\_x\|y");
    }

    #[test]
    fn baselines_return_to_zero() {
        let label = svg("*a_1b^2*c", 10.0);
        let shifts: Vec<f64> = label
            .split("dy=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next()?.parse().ok())
            .collect();
        assert_eq!(shifts.len(), 3);
        assert!(shifts.iter().sum::<f64>().abs() < 1e-9, "{label}");
    }

    #[test]
    fn marks_without_meaning_stay_as_they_are() {
        assert_eq!(html("PINN*"), "PINN*");
        assert_eq!(html("*a* b*"), "<i>a</i> b*");
        assert_eq!(html("*u_*"), "<i>u</i>_");
        assert_eq!(html("a_b"), "a_b");
        assert_eq!(html(""), "");
        assert_eq!(html("**"), "");
    }

    #[test]
    fn widths_are_those_of_the_font() {
        assert!((width("0123456789", 10.0) - 55.6).abs() < 1e-9);
        assert!((width("il", 10.0) - 4.44).abs() < 1e-9);
        assert_eq!(width("*u\u{302}*", 10.0), width("*u*", 10.0));
        assert!((width("*x^2*", 10.0) - (5.0 + 0.72 * 5.56)).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn any_text_is_well_formed_and_survives_escaping(text in any::<String>()) {
            let allowed = |c: char| !c.is_control() && c != '\u{fffe}' && c != '\u{ffff}';
            let expected: String =
                text.chars().map(|c| if allowed(c) { c } else { '\u{fffd}' }).collect();
            // Line ends apart, which a parser of XML normalises.
            prop_assume!(!text.contains(['\t', '\n', '\r']));
            let element = format!("<p a=\"{0}\">{0}</p>", escape(&text));
            let document = roxmltree::Document::parse(&element);
            prop_assert!(document.is_ok(), "{element}");
            if let Ok(document) = document {
                let root = document.root_element();
                prop_assert_eq!(root.text().unwrap_or_default(), &expected);
                prop_assert_eq!(root.attribute("a").unwrap_or_default(), &expected);
            }
        }

        #[test]
        fn any_label_is_well_formed(label in "[a-z*_^{}<&0-9 ]{0,30}") {
            for element in [html(&label), svg(&label, 11.0)] {
                let element = format!("<p>{element}</p>");
                prop_assert!(roxmltree::Document::parse(&element).is_ok(), "{element}");
            }
        }
    }
}
