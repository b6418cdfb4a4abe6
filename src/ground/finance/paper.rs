//! A paper about money: a title, words, sections of lines and tables; as plain text and as HTML that asks nothing of anybody. The same
//! paper is the same bytes.

use std::fmt::Write as _;

/// A table. The first column is words, the others are right-aligned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grid {
    /// What stands above the columns.
    pub head: Vec<String>,
    /// The rows; each has as many cells as the head.
    pub rows: Vec<Vec<String>>,
}

/// A part of a paper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// Lines, one below the other.
    pub lines: Vec<String>,
    /// A table below them.
    pub grid: Option<Grid>,
}

/// A paper.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Paper {
    /// Its title.
    pub title: String,
    /// Of when it is.
    pub subtitle: String,
    /// What somebody wrote above it; paragraphs are parted by lines.
    pub words: String,
    /// Its parts.
    pub sections: Vec<Section>,
    /// Where the numbers come from.
    pub foot: String,
}

impl Paper {
    /// The paragraphs somebody wrote.
    pub fn paragraphs(&self) -> impl Iterator<Item = &str> {
        self.words.lines().map(str::trim).filter(|line| !line.is_empty())
    }

    /// As plain text.
    pub fn text(&self) -> String {
        let mut out = format!("{}\n{}\n", self.title, self.subtitle);
        for paragraph in self.paragraphs() {
            let _ = write!(out, "\n{paragraph}\n");
        }
        for section in &self.sections {
            let _ = write!(out, "\n{}\n{}\n", section.title, "-".repeat(section.title.chars().count()));
            for line in &section.lines {
                let _ = writeln!(out, "{line}");
            }
            if let Some(grid) = &section.grid {
                grid.write(&mut out);
            }
        }
        let _ = write!(out, "\n{}\n", self.foot);
        out
    }

    /// As a page of its own, without a script and without anything from elsewhere.
    pub fn html(&self) -> String {
        let mut out = String::from(
            "<!doctype html>\n<html lang=\"en-GB\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>",
        );
        let _ = write!(out, "{}</title></head>\n<body>\n", escaped(&self.title));
        let _ = write!(out, "<h1>{}</h1>\n<p>{}</p>\n", escaped(&self.title), escaped(&self.subtitle));
        for paragraph in self.paragraphs() {
            let _ = writeln!(out, "<p>{}</p>", escaped(paragraph));
        }
        for section in &self.sections {
            let _ = writeln!(out, "<h2>{}</h2>", escaped(&section.title));
            if !section.lines.is_empty() {
                let lines: Vec<String> = section.lines.iter().map(|line| escaped(line)).collect();
                let _ = writeln!(out, "<p>{}</p>", lines.join("<br>\n"));
            }
            if let Some(grid) = &section.grid {
                grid.write_html(&mut out);
            }
        }
        let _ = write!(out, "<p><small>{}</small></p>\n</body></html>\n", escaped(&self.foot));
        out
    }
}

impl Grid {
    fn write(&self, out: &mut String) {
        let lines: Vec<&Vec<String>> = std::iter::once(&self.head).chain(&self.rows).collect();
        let width =
            |at: usize| lines.iter().filter_map(|line| line.get(at)).map(|cell| cell.chars().count()).max();
        for line in &lines {
            for (at, cell) in line.iter().enumerate() {
                let width = width(at).unwrap_or(0);
                let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
                let _ = if at == 0 { write!(out, "{cell}{gap}") } else { write!(out, "  {gap}{cell}") };
            }
            while out.ends_with(' ') {
                out.pop();
            }
            out.push('\n');
        }
    }

    fn write_html(&self, out: &mut String) {
        out.push_str("<table>\n<tr>");
        for (at, cell) in self.head.iter().enumerate() {
            let side = if at == 0 { "left" } else { "right" };
            let _ = write!(out, "<th scope=\"col\" align=\"{side}\">{}</th>", escaped(cell));
        }
        out.push_str("</tr>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (at, cell) in row.iter().enumerate() {
                let side = if at == 0 { "left" } else { "right" };
                let _ = write!(out, "<td align=\"{side}\">{}</td>", escaped(cell));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
    }
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_told_in_both_ways_and_nothing_in_it_becomes_a_tag() {
        let head = vec!["Week".to_owned(), "Cash".to_owned()];
        let rows = vec![
            vec!["1 Dec".to_owned(), "1,200.00".to_owned()],
            vec!["8 December".to_owned(), "5.00".to_owned()],
        ];
        let paper = Paper {
            title: "O'Brien & <b>Sons</b>".into(),
            subtitle: "Week of 30 November".into(),
            words: "All is well.\n\n  Two things to do. \n".into(),
            sections: vec![Section {
                title: "Ahead".into(),
                lines: vec!["It lasts.".into()],
                grid: Some(Grid { head, rows }),
            }],
            foot: "From the books".into(),
        };
        let text = paper.text();
        assert!(text.contains("\nAhead\n-----\nIt lasts.\nWeek            Cash\n1 Dec       1,200.00\n8 December      5.00\n"), "{text}");
        let html = paper.html();
        assert!(html.contains("<h1>O&#39;Brien &amp; &lt;b&gt;Sons&lt;/b&gt;</h1>"), "{html}");
        assert!(html.contains("<p>Two things to do.</p>") && !html.contains("<b>") && !html.contains("http"));
        assert_eq!((paper.text(), paper.html()), (text, html), "the same paper is the same bytes");
    }
}
