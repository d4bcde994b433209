//! A report as one HTML page, and its figures as files.

use super::style_sheet::STYLE_SHEET;
use super::text::{escape, html, plain};
use super::{CellMap, ChoiceMap, Curves, FieldFigure, ReportError, ResultTable};

/// Everything that a run's report shows. What is empty is left out.
///
/// ```
/// use jetspace::report::Report;
/// let report = Report {
///     title: "Poisson's equation".to_owned(),
///     description: "Δ*u* = *f* on the unit square.".to_owned(),
///     versions: vec![("jetspace".to_owned(), "0.1.0".to_owned())],
///     ..Report::default()
/// };
/// assert!(report.to_html()?.contains("<h1>Poisson&#39;s equation</h1>"));
/// # Ok::<(), jetspace::report::ReportError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// The title, a label.
    pub title: String,
    /// What was done: labels, paragraphs, with empty lines between them.
    pub description: String,
    /// The results.
    pub table: Option<ResultTable>,
    /// How errors depend on what was varied: curves, before all other figures.
    pub sweep: Vec<Curves>,
    /// How errors depend on two settings at once: maps, after these curves.
    pub cells: Vec<CellMap>,
    /// Which choice is best for two settings at once, after those.
    pub choices: Vec<ChoiceMap>,
    /// Figures of fields, one below the other.
    pub fields: Vec<FieldFigure>,
    /// Figures of curves, two beside each other where there is room.
    pub curves: Vec<Curves>,
    /// What a reader must know to judge the results, labels.
    pub notes: Vec<String>,
    /// Files that repeat the run: their names and their text, which is shown as it is.
    pub configuration: Vec<(String, String)>,
    /// Names and versions of the software and the machine.
    pub versions: Vec<(String, String)>,
    /// Names of stages and how long they took.
    pub timings: Vec<(String, String)>,
}

/// A figure of a report as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The file's name: the figure's number in the report and its title, such as
    /// `figure-2-training.svg`. Lower-case ASCII letters, digits and hyphens.
    pub file_name: String,
    /// The SVG file's text.
    pub svg: String,
}

impl Report {
    /// All figures, in the order in which the page numbers them.
    ///
    /// # Errors
    ///
    /// Those of [`FieldFigure::to_svg`].
    pub fn figures(&self) -> Result<Vec<Figure>, ReportError> {
        let curves = |figures: &'_ [Curves]| -> Vec<_> {
            figures.iter().map(|figure| (figure.title.clone(), figure.to_svg())).collect()
        };
        let mut figures = curves(&self.sweep);
        figures.extend(self.cells.iter().map(|figure| (figure.title.clone(), figure.to_svg())));
        figures.extend(self.choices.iter().map(|figure| (figure.title.clone(), figure.to_svg())));
        for figure in &self.fields {
            figures.push((figure.title.clone(), figure.to_svg()?));
        }
        figures.extend(curves(&self.curves));
        let figures = figures.into_iter().enumerate().map(|(index, (title, svg))| {
            let file_name = format!("figure-{}{}.svg", index + 1, file_stem(&title));
            Figure { file_name, svg }
        });
        Ok(figures.collect())
    }

    /// The page. It is well-formed XML as well as HTML.
    ///
    /// # Errors
    ///
    /// Those of [`FieldFigure::to_svg`].
    pub fn to_html(&self) -> Result<String, ReportError> {
        let sections = [
            section("Results", self.table.as_ref().map(results).unwrap_or_default()),
            self.figure_sections()?,
            section("Notes", list(&self.notes)),
            section("Configuration", self.configuration.iter().map(listing).collect()),
            section("Timings", facts(&self.timings)),
            section("Versions", facts(&self.versions)),
        ]
        .concat();
        Ok(document(&self.title, &self.description, &sections))
    }

    fn figure_sections(&self) -> Result<String, ReportError> {
        let of_curves = |figure: &'_ Curves| (figure.title.clone(), figure.caption.clone());
        let of_fields = |figure: &'_ FieldFigure| (figure.title.clone(), figure.caption.clone());
        let of_cells = |figure: &'_ CellMap| (figure.title.clone(), figure.caption.clone());
        let of_choices = |figure: &'_ ChoiceMap| (figure.title.clone(), figure.caption.clone());
        let captions = self.sweep.iter().map(of_curves).chain(self.cells.iter().map(of_cells));
        let captions = captions.chain(self.choices.iter().map(of_choices));
        let captions = captions.chain(self.fields.iter().map(of_fields));
        let captions = captions.chain(self.curves.iter().map(of_curves));
        let mut figures = self.figures()?.into_iter().zip(captions).enumerate().map(
            |(index, (Figure { svg, .. }, (title, caption)))| {
                let (number, caption) = (index + 1, html(&caption));
                let title = match html(&title) {
                    title if title.is_empty() => title,
                    title => format!(" <b>{title}.</b>"),
                };
                format!(
                    "<figure>\n<div class=\"scroll\">\n{svg}</div>\n\
                     <figcaption><b>Figure {number}.</b>{title} {caption}</figcaption>\n\
                     </figure>\n"
                )
            },
        );
        let mut next = |count: usize| figures.by_ref().take(count).collect::<String>();
        let (sweep, cells) = (next(self.sweep.len()), next(self.cells.len() + self.choices.len()));
        let (fields, curves) = (next(self.fields.len()), next(self.curves.len()));
        let beside = |figures: String| match figures {
            none if none.is_empty() => none,
            figures => format!("<div class=\"curves\">\n{figures}</div>\n"),
        };
        let sections = [
            section("What errors depend on", beside(sweep) + &cells),
            section("Fields", fields),
            section("Curves", beside(curves)),
        ];
        Ok(sections.concat())
    }
}

/// A page of sections under a title (a label) and paragraphs.
pub fn document(title: &str, description: &str, sections: &str) -> String {
    let (plain_title, title) = (escape(&plain(title)), html(title));
    let description = paragraphs_html(description);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>{plain_title}</title>\n<style>\n{STYLE_SHEET}</style>\n</head>\n<body>\n\
         <main>\n<header>\n<h1>{title}</h1>\n{description}</header>\n{sections}</main>\n\
         </body>\n</html>\n"
    )
}

/// The paragraphs of a text, which empty lines separate.
pub fn paragraphs(text: &str) -> impl Iterator<Item = &str> {
    text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty())
}

/// The same as elements.
pub fn paragraphs_html(text: &str) -> String {
    paragraphs(text).map(|paragraph| format!("<p>{}</p>\n", html(paragraph))).collect()
}

/// A section with this heading, or nothing where there is no content.
pub fn section(heading: &str, content: String) -> String {
    if content.is_empty() {
        content
    } else {
        format!("<section>\n<h2>{heading}</h2>\n{content}</section>\n")
    }
}

pub fn results(table: &ResultTable) -> String {
    let caption = html(&table.caption);
    format!(
        "<div class=\"scroll\">\n{}</div>\n<p class=\"caption\">{caption}</p>\n",
        table.to_html()
    )
}

pub fn list(notes: &[String]) -> String {
    if notes.is_empty() {
        return String::new();
    }
    let notes: String = notes.iter().map(|note| format!("<li>{}</li>\n", html(note))).collect();
    format!("<ul>\n{notes}</ul>\n")
}

fn listing((name, text): &(String, String)) -> String {
    format!("<h3>{}</h3>\n<pre>{}</pre>\n", escape(name), escape(text))
}

fn facts(facts: &[(String, String)]) -> String {
    if facts.is_empty() {
        return String::new();
    }
    let rows: String = facts
        .iter()
        .map(|(name, value)| {
            format!("<tr><th scope=\"row\">{}</th><td>{}</td></tr>\n", html(name), html(value))
        })
        .collect();
    format!("<table class=\"facts\">\n<tbody>\n{rows}</tbody>\n</table>\n")
}

/// A title as the end of a file's name: `-` and a word, for every word.
fn file_stem(title: &str) -> String {
    let title = plain(title);
    title
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(8)
        .map(|word| format!("-{}", word.to_ascii_lowercase()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{
        Axis, CellAxis, Colours, FieldRow, GridAxis, MethodScores, Metric, Scale, Score, Series,
    };
    use proptest::prelude::*;

    /// A report in which every text is the same.
    fn report(text: &str) -> Report {
        let text = || text.to_owned();
        let coordinate = || GridAxis { name: text(), range: (0.0, 1.0), points: 2 };
        let axis = || Axis { name: text(), scale: Scale::Log };
        Report {
            title: text(),
            description: text(),
            table: Some(ResultTable {
                caption: text(),
                rows_are: text(),
                metrics: vec![Metric { name: text(), ranked: true }],
                rows: vec![MethodScores {
                    method: text(),
                    scores: vec![Score::over_seeds(&[1.0, 2.0], Some(1.0))],
                }],
            }),
            sweep: Vec::new(),
            cells: Vec::new(),
            choices: vec![ChoiceMap {
                title: text(),
                caption: text(),
                x: CellAxis { name: text(), values: vec![text()] },
                y: CellAxis { name: text(), values: vec![text()] },
                choices: vec![text()],
                best: vec![Some(0)],
            }],
            fields: vec![FieldFigure {
                title: text(),
                caption: text(),
                x: coordinate(),
                y: coordinate(),
                columns: vec![text()],
                rows: vec![FieldRow {
                    quantity: text(),
                    colours: Colours::Signed,
                    maps: vec![Some(vec![1.0, 2.0, f64::NAN, -1.0])],
                    ..FieldRow::default()
                }],
                reference: None,
            }],
            curves: vec![Curves {
                title: text(),
                caption: text(),
                x: axis(),
                y: axis(),
                series: vec![Series {
                    name: text(),
                    points: vec![(1.0, 1.0), (2.0, 0.1)],
                    ranges: vec![(0.5, 2.0), (0.1, 0.1)],
                    is_reference: false,
                }],
            }],
            notes: vec![text()],
            configuration: vec![(text(), text())],
            versions: vec![(text(), text())],
            timings: vec![(text(), text())],
        }
    }

    fn parse(page: &str) -> Result<roxmltree::Document<'_>, roxmltree::Error> {
        let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
        roxmltree::Document::parse_with_options(page, options)
    }

    #[test]
    fn the_page_is_self_contained_and_has_every_part() {
        let page = report("part").to_html().expect("a page");
        let document = parse(&page).expect("well-formed");
        let headings: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name("h2"))
            .filter_map(|node| node.text())
            .collect();
        let expected = [
            "Results",
            "What errors depend on",
            "Fields",
            "Curves",
            "Notes",
            "Configuration",
            "Timings",
            "Versions",
        ];
        assert_eq!(headings, expected);
        assert!(page.contains("Figure 3."));
        for node in document.descendants() {
            assert!(!["script", "link", "img", "iframe"].contains(&node.tag_name().name()));
            for attribute in node.attributes() {
                assert!(attribute.name() != "src" && attribute.name() != "id");
                assert!(attribute.name() != "href" || attribute.value().starts_with("data:"));
            }
        }
        assert!(!STYLE_SHEET.contains("url(") && !STYLE_SHEET.contains("@import"));
    }

    #[test]
    fn texts_cannot_become_markup() {
        let page = report("<script>alert('1')</script>\"&amp;]]>").to_html().expect("a page");
        let document = parse(&page).expect("well-formed");
        assert!(document.descendants().all(|node| node.tag_name().name() != "script"));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn an_empty_report_is_a_page() {
        let page = Report::default().to_html().expect("a page");
        assert!(parse(&page).is_ok());
        assert!(!page.contains("<h2"));
        assert_eq!(Report::default().figures().expect("none"), []);
    }

    #[test]
    fn figures_have_names_fit_for_files() {
        let names = |title: &str| -> Vec<String> {
            let figures = report(title).figures().expect("figures");
            figures.into_iter().map(|figure| figure.file_name).collect()
        };
        assert_eq!(
            names("Loss of *u_x*"),
            ["figure-1-loss-of-u-x.svg", "figure-2-loss-of-u-x.svg", "figure-3-loss-of-u-x.svg"]
        );
        assert_eq!(names("../Ω\0"), ["figure-1.svg", "figure-2.svg", "figure-3.svg"]);
    }

    #[test]
    fn errors_of_figures_are_errors_of_the_report() {
        let mut report = report("wrong");
        report.fields[0].columns.clear();
        assert!(matches!(report.to_html(), Err(ReportError::Columns { .. })));
        assert!(matches!(report.figures(), Err(ReportError::Columns { .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_text_gives_a_well_formed_page(text in any::<String>()) {
            let page = report(&text).to_html().expect("a page");
            prop_assert!(parse(&page).is_ok());
            prop_assert_eq!(&page, &report(&text).to_html().expect("the same page"));
            for figure in report(&text).figures().expect("figures") {
                prop_assert!(roxmltree::Document::parse(&figure.svg).is_ok());
            }
        }
    }
}
