//! Several tables of results on one page, as HTML and as Markdown.

use super::ResultTable;
use super::page::{document, list, paragraphs, paragraphs_html, results, section};
use super::text::{escape, html, markdown};

/// A page of tables, each with what a reader must know to judge it.
///
/// ```
/// use jetspace::report::{Chapter, Collection};
/// let chapter = Chapter { title: "Table 2".to_owned(), ..Chapter::default() };
/// let page = Collection {
///     title: "Results".to_owned(),
///     description: "All tables.".to_owned(),
///     chapters: vec![chapter],
/// };
/// assert!(page.to_html().contains("<h2>Table 2</h2>"));
/// assert!(page.to_markdown().contains("## Table 2"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collection {
    /// The title, a label.
    pub title: String,
    /// What all have in common: labels, paragraphs, with empty lines between them.
    pub description: String,
    /// The tables.
    pub chapters: Vec<Chapter>,
}

/// A table of a [`Collection`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chapter {
    /// The title, a label.
    pub title: String,
    /// What was done: labels, paragraphs.
    pub description: String,
    /// The results.
    pub table: ResultTable,
    /// What a reader must know, labels.
    pub notes: Vec<String>,
    /// A page with more: its address, relative to this one.
    pub link: Option<String>,
}

impl Collection {
    /// The page. It is well-formed XML as well as HTML.
    #[must_use]
    pub fn to_html(&self) -> String {
        let chapters = self.chapters.iter().map(|chapter| {
            let link = chapter.link.iter().map(|link| {
                let link = escape(link);
                format!("<p><a href=\"{link}\">Figures and settings</a></p>\n")
            });
            let parts = [
                paragraphs_html(&chapter.description),
                results(&chapter.table),
                list(&chapter.notes),
                link.collect::<String>(),
            ];
            section(&html(&chapter.title), parts.concat())
        });
        document(&self.title, &self.description, &chapters.collect::<String>())
    }

    /// The page as GitHub's Markdown.
    #[must_use]
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", markdown(&self.title));
        let mut add = |part: String| text.push_str(&format!("\n{}\n", part.trim_end()));
        paragraphs(&self.description).for_each(|p| add(markdown(p)));
        for chapter in &self.chapters {
            add(format!("## {}", markdown(&chapter.title)));
            paragraphs(&chapter.description).for_each(|p| add(markdown(p)));
            add(chapter.table.to_markdown());
            add(markdown(&chapter.table.caption));
            let notes: Vec<String> =
                chapter.notes.iter().map(|note| format!("- {}", markdown(note))).collect();
            add(notes.join("\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_texts_give_a_well_formed_page(text in "\\PC{0,40}") {
            let chapter = Chapter {
                title: text.clone(),
                description: format!("{text}\n\n{text}"),
                table: ResultTable { caption: text.clone(), ..ResultTable::default() },
                notes: vec![text.clone()],
                link: Some(text.clone()),
            };
            let page =
                Collection { title: text.clone(), description: text, chapters: vec![chapter] };
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            let page = page.to_html();
            prop_assert!(roxmltree::Document::parse_with_options(&page, options).is_ok());
        }
    }
}
