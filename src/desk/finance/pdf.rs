//! A paper as PDF: A4, Helvetica, nothing embedded and nothing from elsewhere. Letters that Helvetica of every reader does not have
//! (other scripts) stand as `?`; text and HTML have them.

use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};

use crate::ground::finance::paper::{Grid, Paper};

/// Lengths are thousandths of a point.
const POINT: i32 = 1_000;
const WIDTH: i32 = 595 * POINT;
const HEIGHT: i32 = 842 * POINT;
const MARGIN: i32 = 56 * POINT;

/// How wide the letters from the space on are in Helvetica, in thousandths of the size (Adobe's font metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556,
    556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278,
    500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469,
    556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500,
    278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/// And of any other letter.
const OTHER: u16 = 556;

/// A letter as Windows' Latin alphabet has it.
const fn byte(letter: char) -> u8 {
    match letter {
        ' '..='~' | '\u{a0}'..='\u{ff}' => letter as u8,
        '\u{20ac}' => 0x80,
        '\u{2026}' => 0x85,
        '\u{2018}' => 0x91,
        '\u{2019}' => 0x92,
        '\u{201c}' => 0x93,
        '\u{201d}' => 0x94,
        '\u{2022}' => 0x95,
        '\u{2013}' => 0x96,
        '\u{2014}' => 0x97,
        '\u{2212}' => b'-',
        _ => b'?',
    }
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(byte).collect()
}

/// How wide a text is in a size.
fn width(text: &str, size: i32) -> i32 {
    let letter = |byte: u8| WIDTHS.get(usize::from(byte).wrapping_sub(32)).copied().unwrap_or(OTHER);
    text.chars().map(|it| i32::from(letter(byte(it)))).sum::<i32>() * size
}

/// Words in lines that are not wider than this. A word that is wider alone stands in a line of its own.
fn wrapped(text: &str, size: i32, most: i32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line, size) + width(" ", size) + width(word, size) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[expect(
    clippy::cast_precision_loss,
    clippy::float_arithmetic,
    reason = "a place on a page; it is far below what a float holds exactly"
)]
fn points(length: i32) -> f32 {
    length as f32 / POINT as f32
}

/// Pages being written.
struct Pages {
    done: Vec<Content>,
    now: Content,
    /// How far down, from the top.
    down: i32,
}

impl Pages {
    fn new() -> Self {
        Self { done: Vec::new(), now: Content::new(), down: MARGIN }
    }

    /// Room for a line of this height, on a new page where this one has none.
    fn room(&mut self, height: i32) {
        if self.down + height > HEIGHT - MARGIN {
            self.done.push(std::mem::replace(&mut self.now, Content::new()));
            self.down = MARGIN;
        }
        self.down += height;
    }

    fn put(&mut self, text: &str, size: i32, bold: bool, x: i32) {
        self.now.begin_text();
        self.now.set_font(Name(if bold { b"B" } else { b"R" }), points(size * POINT));
        self.now.next_line(points(x), points(HEIGHT - self.down));
        self.now.show(Str(&bytes(text)));
        self.now.end_text();
    }

    fn words(&mut self, text: &str, size: i32, bold: bool) {
        for line in wrapped(text, size, WIDTH - 2 * MARGIN) {
            self.room(size * POINT * 14 / 10);
            self.put(&line, size, bold, MARGIN);
        }
    }

    fn gap(&mut self, points: i32) {
        self.down += points * POINT;
    }

    /// The first column from the left, the others from the right, each as wide as its widest cell.
    fn grid(&mut self, grid: &Grid) {
        const SIZE: i32 = 9;
        let rows = std::iter::once(&grid.head).chain(&grid.rows);
        let columns = grid.head.len();
        let widest = |at: usize| {
            rows.clone().filter_map(|row| row.get(at)).map(|cell| width(cell, SIZE)).max().unwrap_or(0)
        };
        let widths: Vec<i32> = (0..columns).map(|at| widest(at) + 14 * POINT).collect();
        for (number, row) in rows.enumerate() {
            self.room(SIZE * POINT * 15 / 10);
            let mut right = WIDTH - MARGIN;
            for (at, cell) in row.iter().enumerate().skip(1).rev() {
                self.put(cell, SIZE, number == 0, right - width(cell, SIZE));
                right -= widths.get(at).copied().unwrap_or(0);
            }
            if let Some(first) = row.first() {
                self.put(first, SIZE, number == 0, MARGIN);
            }
        }
    }
}

/// The paper as PDF; the same paper is the same bytes.
pub fn pdf(paper: &Paper) -> Vec<u8> {
    let mut pages = Pages::new();
    pages.words(&paper.title, 18, true);
    pages.words(&paper.subtitle, 10, false);
    pages.gap(8);
    for paragraph in paper.paragraphs() {
        pages.words(paragraph, 10, false);
        pages.gap(4);
    }
    for section in &paper.sections {
        pages.gap(10);
        pages.words(&section.title, 12, true);
        pages.gap(2);
        for line in &section.lines {
            pages.words(line, 10, false);
        }
        if let Some(grid) = &section.grid {
            pages.gap(4);
            pages.grid(grid);
        }
    }
    pages.gap(12);
    pages.words(&paper.foot, 8, false);
    pages.done.push(pages.now);
    bound(paper, pages.done)
}

fn bound(paper: &Paper, pages: Vec<Content>) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let (catalog, tree, regular, bold, info) =
        (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4), Ref::new(5));
    let place = |at: usize| {
        let first = 6 + i32::try_from(at).unwrap_or(0) * 2;
        (Ref::new(first), Ref::new(first + 1))
    };
    pdf.catalog(catalog).pages(tree).lang(TextStr("en-GB"));
    pdf.document_info(info).title(TextStr(&paper.title));
    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids((0..pages.len()).map(|at| place(at).0)).count(count);
    for (at, content) in pages.into_iter().enumerate() {
        let (page_id, content_id) = place(at);
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, points(WIDTH), points(HEIGHT))).parent(tree).contents(content_id);
        page.resources().fonts().pair(Name(b"R"), regular).pair(Name(b"B"), bold);
        page.finish();
        pdf.stream(content_id, &content.finish());
    }
    for (font, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
        pdf.type1_font(font).base_font(Name(name)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ground::finance::paper::Section;

    #[test]
    fn lines_fit_and_long_papers_go_on_over_pages() {
        let most = WIDTH - 2 * MARGIN;
        let text = "Cash lasts until the ninth of September, if nothing else comes in. ".repeat(20);
        assert!(wrapped(&text, 10, most).iter().all(|line| width(line, 10) <= most));
        assert_eq!(wrapped(&text, 10, most).join(" "), text.trim(), "no word is lost");
        let head = vec!["Bill".to_owned(), "Open".to_owned()];
        let rows = (0..200).map(|n| vec![format!("Rents {n}"), format!("{n}.00")]).collect();
        let sections =
            vec![Section { title: "Bills".into(), lines: vec![text], grid: Some(Grid { head, rows }) }];
        let paper = Paper { title: "Łódź & O’Brien".into(), sections, ..Paper::default() };
        let made = pdf(&paper);
        assert!(made.starts_with(b"%PDF-") && made.ends_with(b"%%EOF"));
        let count = |needle: &[u8]| made.windows(needle.len()).filter(|it| *it == needle).count();
        assert!(count(b"/MediaBox") >= 4, "two hundred rows are some pages");
        assert_eq!(made, pdf(&paper), "the same paper is the same bytes");
        assert_eq!(bytes("Ł€’é"), [b'?', 0x80, 0x92, 0xe9]);
    }
}
