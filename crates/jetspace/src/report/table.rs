//! The table of results: methods against metrics, for a page, a terminal and Markdown.

use super::number::{self, Notation, minus};
use super::text;

/// What stands where a method has no result.
const ABSENT: &str = "–";

/// The result of one method in one metric, over seeds; lower is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// The median over seeds.
    pub median: f64,
    /// The best seed.
    pub min: f64,
    /// The worst seed.
    pub max: f64,
    /// The number that a paper printed for the same method and metric.
    pub published: Option<f64>,
}

impl Score {
    /// Summarises one value per seed; `None` without values. The median of an even number of
    /// values is the mean of the middle two. A seed that ended in NaN counts as +∞: it is the
    /// worst, and is not forgotten.
    ///
    /// ```
    /// use jetspace::report::Score;
    /// let score = Score::over_seeds(&[3.0, f64::NAN, 1.0], None);
    /// assert_eq!(score.map(|s| (s.min, s.median, s.max)), Some((1.0, 3.0, f64::INFINITY)));
    /// ```
    #[must_use]
    pub fn over_seeds(values: &[f64], published: Option<f64>) -> Option<Self> {
        let mut sorted: Vec<f64> =
            values.iter().map(|&v| if v.is_nan() { f64::INFINITY } else { v }).collect();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let (lower, upper) = (sorted.get((sorted.len() - 1) / 2)?, sorted.get(sorted.len() / 2)?);
        let median = if lower == upper { *lower } else { lower / 2.0 + upper / 2.0 };
        Some(Self { median, min, max, published })
    }

    /// median / published: below 1 where the result is better than the paper's.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        self.published.map(|published| self.median / published)
    }
}

/// One row of a [`ResultTable`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MethodScores {
    /// The method's name, a label.
    pub method: String,
    /// One score per metric of the table, in their order; `None` where it was not measured.
    pub scores: Vec<Option<Score>>,
}

/// A metric of a [`ResultTable`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// Its name, a label.
    pub name: String,
    /// Whether lower is better, as for errors; the value of a parameter is no better for being low.
    pub ranked: bool,
}

/// Methods against metrics. The best median of each ranked metric is marked where there are two or more
/// to choose from: bold, or with an asterisk in a terminal.
///
/// A row shorter than the list of metrics lacks its last scores. A row that is longer is shown
/// whole, under empty headings.
///
/// ```
/// use jetspace::report::{MethodScores, Metric, ResultTable, Score};
/// let row = |method: &str, seeds: &[f64], published| MethodScores {
///     method: method.to_owned(),
///     scores: vec![Score::over_seeds(seeds, Some(published))],
/// };
/// let table = ResultTable {
///     caption: "Relative error after 1000 steps.".to_owned(),
///     rows_are: "method".to_owned(),
///     metrics: vec![Metric { name: "error of *u*".to_owned(), ranked: true }],
///     rows: vec![row("DERL", &[6.1e-4, 6.84e-4], 6.5e-4), row("PINN", &[2.1e-2], 2e-2)],
/// };
/// let expected = [
///     "        error of u",
///     "method    median  min, max          published  ratio",
///     "DERL    6.47e-4*  6.10e-4, 6.84e-4    6.50e-4   1.00",
///     "PINN    2.10e-2   2.10e-2, 2.10e-2    2.00e-2   1.05",
/// ];
/// assert!(table.to_text().lines().eq(expected));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ResultTable {
    /// What is shown and how it was measured, a label.
    pub caption: String,
    /// What the rows are, such as methods: a label that stands above their names.
    pub rows_are: String,
    /// What is measured, from left to right.
    pub metrics: Vec<Metric>,
    /// The methods, from top to bottom.
    pub rows: Vec<MethodScores>,
}

/// One metric of a table: what of it there is to show.
struct Shown<'a> {
    name: &'a str,
    scores: Vec<Option<Score>>,
    notation: Notation,
    best: Option<f64>,
    has_range: bool,
    has_published: bool,
}

/// Columns of plain text under one heading. Every column holds its own heading and a cell per row.
struct TextColumn {
    cells: Vec<String>,
    left_aligned: bool,
}

impl ResultTable {
    /// The table as aligned plain text for a terminal; `*` marks the best median.
    #[must_use]
    pub fn to_text(&self) -> String {
        let methods = self.methods(text::plain);
        let mut groups = vec![(String::new(), vec![methods])];
        for metric in self.metrics() {
            let columns = metric.text_columns(|value, best| {
                let mark = if best { "*" } else { " " };
                format!("{value}{mark}")
            });
            groups.push((text::plain(metric.name), columns));
        }

        let mut lines = vec![String::new(); self.rows.len() + 2];
        let last_group = groups.len() - 1;
        for (index, (heading, columns)) in groups.into_iter().enumerate() {
            let mut block = vec![String::new(); self.rows.len() + 1];
            for column in columns {
                let width = column.cells.iter().map(|cell| cell.chars().count()).max();
                let width = width.unwrap_or_default();
                for (line, cell) in block.iter_mut().zip(column.cells) {
                    let gap = if line.is_empty() { "" } else { "  " };
                    *line += &if column.left_aligned {
                        format!("{gap}{cell:<width$}")
                    } else {
                        format!("{gap}{cell:>width$}")
                    };
                }
            }
            let block_width = block.first().map_or(0, |line| line.chars().count());
            let width =
                if index == last_group { 0 } else { heading.chars().count().max(block_width) };
            for (line, part) in lines.iter_mut().zip(std::iter::once(heading).chain(block)) {
                *line += &format!("{}{part:<width$}", if index == 0 { "" } else { "  " });
            }
        }
        lines.iter().map(|line| format!("{}\n", line.trim_end())).collect()
    }

    /// The table as GitHub's Markdown, the best medians in bold.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut columns = vec![self.methods(text::markdown)];
        for metric in self.metrics() {
            let name = match text::markdown(metric.name) {
                name if name.is_empty() => name,
                name => name + ", ",
            };
            for (index, mut column) in metric
                .text_columns(|value, best| if best { format!("**{value}**") } else { value })
                .into_iter()
                .enumerate()
            {
                if let (0, Some(heading)) = (index, column.cells.first_mut()) {
                    heading.insert_str(0, &name);
                }
                columns.push(column);
            }
        }

        let mut lines = vec!["|".to_owned(); self.rows.len() + 2];
        for TextColumn { cells, left_aligned } in columns {
            let rule = if left_aligned { ":--" } else { "--:" }.to_owned();
            let (heading, body) =
                cells.split_first().map_or((String::new(), &[][..]), |(h, b)| (h.clone(), b));
            let cells = [heading, rule].into_iter().chain(body.iter().cloned());
            for (line, cell) in lines.iter_mut().zip(cells) {
                *line += &format!(" {cell} |");
            }
        }
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The table as an HTML `table` element; the best medians are `strong`.
    #[must_use]
    pub fn to_html(&self) -> String {
        let metrics = self.metrics();
        let mut groups = String::new();
        let mut headings = String::new();
        for metric in &metrics {
            let columns = if metric.has_published { 3 } else { 1 };
            let name = text::html(metric.name);
            groups += &format!("<th scope=\"colgroup\" colspan=\"{columns}\">{name}</th>");
            let median = if metric.has_range {
                "median <span class=\"range\">(min–max)</span>"
            } else {
                "value"
            };
            headings += &format!("<th scope=\"col\" class=\"first\">{median}</th>");
            if metric.has_published {
                headings += "<th scope=\"col\">published</th><th scope=\"col\">ratio</th>";
            }
        }

        let mut body = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            body += &format!("<tr><th scope=\"row\">{}</th>", text::html(&row.method));
            for metric in &metrics {
                body += &metric.html_cells(metric.scores.get(index).copied().flatten());
            }
            body += "</tr>\n";
        }
        format!(
            "<table class=\"results\">\n<thead>\n\
             <tr><th rowspan=\"2\" scope=\"col\">{}</th>{groups}</tr>\n\
             <tr>{headings}</tr>\n</thead>\n<tbody>\n{body}</tbody>\n</table>\n",
            text::html(&self.rows_are)
        )
    }

    fn methods(&self, set: fn(&str) -> String) -> TextColumn {
        let names = self.rows.iter().map(|row| &row.method);
        let cells = std::iter::once(&self.rows_are).chain(names).map(|name| set(name));
        TextColumn { cells: cells.collect(), left_aligned: true }
    }

    /// As many metrics as there are names or, where rows are longer, scores.
    fn metrics(&self) -> Vec<Shown<'_>> {
        let longest = self.rows.iter().map(|row| row.scores.len()).max().unwrap_or_default();
        (0..longest.max(self.metrics.len()))
            .map(|index| {
                let scores =
                    self.rows.iter().map(|row| row.scores.get(index).copied().flatten()).collect();
                Shown::new(self.metrics.get(index), scores)
            })
            .collect()
    }
}

impl<'a> Shown<'a> {
    fn new(metric: Option<&'a Metric>, scores: Vec<Option<Score>>) -> Self {
        let present = || scores.iter().flatten();
        let notation = Notation::fitting(
            present()
                .flat_map(|s| [Some(s.median), Some(s.min), Some(s.max), s.published])
                .flatten(),
        );
        let medians = present().map(|s| s.median);
        let best = medians
            .clone()
            .filter(|median| median.is_finite())
            .min_by(f64::total_cmp)
            .filter(|_| medians.count() > 1 && metric.is_none_or(|metric| metric.ranked));
        let has_range = present().any(|s| s.min != s.max);
        let has_published = present().any(|s| s.published.is_some());
        let name = metric.map_or("", |metric| &metric.name);
        Self { name, scores, notation, best, has_range, has_published }
    }

    /// The metric's columns, each with its heading; `mark` is given a median and whether it is the
    /// best.
    fn text_columns(&self, mark: impl Fn(String, bool) -> String) -> Vec<TextColumn> {
        let column = |heading: &str, left_aligned, cell: &dyn Fn(&Score) -> Option<String>| {
            let cells = self
                .scores
                .iter()
                .map(|score| score.as_ref().and_then(cell).unwrap_or_else(|| ABSENT.to_owned()));
            let cells = std::iter::once(heading.to_owned()).chain(cells).collect();
            TextColumn { cells, left_aligned }
        };
        let text = |value| self.notation.text(value);
        let median = if self.has_range { "median" } else { "value" };
        let mut columns = vec![column(median, false, &|score| {
            Some(mark(text(score.median), self.is_best(score)))
        })];
        if self.has_range {
            columns.push(column("min, max", true, &|score| {
                Some(format!("{}, {}", text(score.min), text(score.max)))
            }));
        }
        if self.has_published {
            columns.push(column("published", false, &|score| score.published.map(text)));
            columns.push(column("ratio", false, &|score| score.ratio().map(number::ratio)));
        }
        columns
    }

    fn html_cells(&self, score: Option<Score>) -> String {
        let Some(score) = score else {
            let absent = format!("<td>{ABSENT}</td>");
            return format!(
                "<td class=\"first\">{ABSENT}</td>{}",
                absent.repeat(if self.has_published { 2 } else { 0 })
            );
        };
        let median = self.notation.html(score.median);
        let median =
            if self.is_best(&score) { format!("<strong>{median}</strong>") } else { median };
        let range = if self.has_range {
            let range = self.notation.html_range(score.min, score.max);
            format!("<br/><span class=\"range\">{range}</span>")
        } else {
            String::new()
        };
        let mut cells = format!("<td class=\"first\">{median}{range}</td>");
        if self.has_published {
            let published = score.published.map(|value| self.notation.html(value));
            let ratio = score.ratio().map(|ratio| minus(&number::ratio(ratio)));
            for value in [published, ratio] {
                cells += &format!("<td>{}</td>", value.as_deref().unwrap_or(ABSENT));
            }
        }
        cells
    }

    fn is_best(&self, score: &Score) -> bool {
        self.best == Some(score.median)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(name: &str) -> Metric {
        Metric { name: name.to_owned(), ranked: true }
    }

    fn table() -> ResultTable {
        let row = |method: &str, scores: &[Option<Score>]| MethodScores {
            method: method.to_owned(),
            scores: scores.to_vec(),
        };
        ResultTable {
            caption: String::new(),
            rows_are: "method".to_owned(),
            metrics: vec![error("*‖û − u‖*"), error("a|b")],
            rows: vec![
                row("DERL", &[Score::over_seeds(&[1e-4, 3e-4, 2e-4], Some(4e-4)), None]),
                row(
                    "<b>",
                    &[Score::over_seeds(&[1e-2, 2e-2], None), Score::over_seeds(&[0.5], None)],
                ),
                row("long", &[None, None, Score::over_seeds(&[7.0], None)]),
            ],
        }
    }

    #[test]
    fn seeds_are_summarised() {
        let summary =
            |values: &[f64]| Score::over_seeds(values, None).map(|s| (s.min, s.median, s.max));
        assert_eq!(summary(&[]), None);
        assert_eq!(summary(&[2.0]), Some((2.0, 2.0, 2.0)));
        assert_eq!(summary(&[4.0, 1.0, 2.0, 3.0]), Some((1.0, 2.5, 4.0)));
        let infinity = f64::INFINITY;
        assert_eq!(summary(&[f64::NAN, f64::NAN, 1.0]), Some((1.0, infinity, infinity)));
    }

    #[test]
    fn the_best_median_is_marked_in_every_form() {
        assert!(table().to_html().contains("<strong>2.00&#8239;×&#8239;10<sup>−4</sup></strong>"));
        assert_eq!(table().to_html().matches("<strong>").count(), 1, "alone is not best");
        assert!(
            table().to_markdown().contains("| **2.00e-4** | 1.00e-4, 3.00e-4 | 4.00e-4 | 0.50 |")
        );
        assert_eq!(table().to_text().matches('*').count(), 1);
        let diverged = ResultTable {
            metrics: vec![error("e")],
            rows: (0..2)
                .map(|_| MethodScores {
                    method: "m".to_owned(),
                    scores: vec![Score::over_seeds(&[f64::NAN], None)],
                })
                .collect(),
            ..ResultTable::default()
        };
        assert!(!diverged.to_html().contains("<strong>"), "a diverged run is not the best");
        let mut value = table();
        value.metrics[0].ranked = false;
        assert!(!value.to_html().contains("<strong>"), "a value is not better for being low");
    }

    #[test]
    fn plain_text_is_aligned() {
        let text = table().to_text();
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        assert_eq!(lines.len(), 5);
        // The decimal points of the medians stand under one another.
        let point = |line: &[char]| line.iter().position(|&c| c == '.');
        assert_eq!(point(&lines[2]), point(&lines[3]));
        assert!(text.lines().all(|line| line.trim_end() == line));
    }

    #[test]
    fn markdown_has_the_same_cells_in_every_line() {
        let markdown = table().to_markdown();
        let cells: Vec<usize> =
            markdown.lines().map(|line| line.replace(r"\|", "").matches('|').count()).collect();
        assert_eq!(cells, vec![cells[0]; 5], "{markdown}");
        assert!(markdown.contains(r"a\|b") && markdown.contains(r"\<b\>"));
    }

    #[test]
    fn html_is_well_formed_with_as_many_cells_in_every_row() {
        let html = table().to_html();
        let document = roxmltree::Document::parse(&html).expect("well-formed");
        let columns = |row: roxmltree::Node| -> usize {
            row.children()
                .filter(roxmltree::Node::is_element)
                .map(|cell| cell.attribute("colspan").map_or(1, |n| n.parse().expect("a number")))
                .sum()
        };
        let rows: Vec<usize> =
            document.descendants().filter(|n| n.has_tag_name("tr")).map(columns).collect();
        // The first cell of the first row spans two rows.
        assert_eq!(rows, [6, 5, 6, 6, 6], "{html}");
        assert!(html.contains("&lt;b&gt;"));
    }

    #[test]
    fn a_table_without_content_is_still_a_table() {
        let empty = ResultTable::default();
        assert_eq!(empty.to_text(), "\n\n");
        assert_eq!(empty.to_markdown(), "|  |\n| :-- |\n");
        assert!(roxmltree::Document::parse(&empty.to_html()).is_ok());
    }
}
