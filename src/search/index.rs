//! The index on disk: derived from the journal, of our schema, and thrown away whenever in doubt.

use std::path::{Path, PathBuf};

use tantivy::directory::MmapDirectory;
use tantivy::indexer::{IndexWriterOptions, LogMergePolicy, NoMergePolicy};
use tantivy::schema::{
    FAST, Field, INDEXED, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, Searcher, TantivyDocument, TantivyError, Term};

use super::doc::Doc;
use super::query::Kind;

/// The number of our schema; raised whenever fields, terms or keys are made in another way.
const SCHEMA: u32 = 4;
/// Memory of the writer, in bytes: the least that tantivy takes.
const WRITER_BYTES: usize = 15_000_000;
/// Memory of a writer that has far to go, in bytes: fewer and larger segments, which need not be merged so often.
const FAR_WRITER_BYTES: usize = 60_000_000;
/// Share of deleted documents from which a segment is written anew.
const DELETED_MAX: f32 = 0.3;

/// The column of keys.
pub(super) const KEY: &str = "key";
/// The column of subjects.
pub(super) const SUBJECT: &str = "subject";

/// Where the index lives.
#[derive(Clone, Debug)]
pub enum Place {
    /// A folder of its own; made when it is not there. Its files may be deleted at any time while stopped.
    Folder(PathBuf),
    /// Memory.
    Memory,
}

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    subject: Field,
    key: Field,
    names: Field,
    emails: Field,
    places: Field,
    /// The whole name.
    pub(super) whole: Field,
    /// Keys that records of one person are likely to share.
    pub(super) alike: Field,
}

impl Fields {
    fn new() -> (Schema, Self) {
        let mut schema = Schema::builder();
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let terms = TextOptions::default().set_indexing_options(indexing);
        let fields = Self {
            subject: schema.add_u64_field(SUBJECT, NumericOptions::default() | INDEXED | FAST),
            key: schema.add_text_field(KEY, TextOptions::default().set_fast("raw")),
            names: schema.add_text_field("names", terms.clone()),
            emails: schema.add_text_field("emails", terms.clone()),
            places: schema.add_text_field("places", terms.clone()),
            whole: schema.add_text_field("whole", terms),
            alike: schema.add_u64_field("alike", NumericOptions::default().set_indexed()),
        };
        (schema.build(), fields)
    }

    /// The field of terms of a kind.
    pub(super) const fn of(&self, kind: Kind) -> Field {
        match kind {
            Kind::Name => self.names,
            Kind::Email => self.emails,
            Kind::Place => self.places,
        }
    }
}

/// How far an index has come: a place in the journal, and which journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The newest entry it knows.
    pub(super) seq: u64,
    /// That entry's hash, so that the journal of another ledger is noticed.
    pub(super) hash: [u8; 32],
    /// Whether somebody was erased of whom its files may still hold words.
    pub(super) purge: bool,
}

impl Mark {
    fn payload(&self) -> String {
        let hash: Vec<String> = self.hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let purge = if self.purge { " purge" } else { "" };
        format!("{SCHEMA} {} {}{purge}", self.seq, hash.concat())
    }

    fn of_payload(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        if parts.next()?.parse() != Ok(SCHEMA) {
            return None;
        }
        let seq = parts.next()?.parse().ok()?;
        let digits = parts.next().filter(|digits| digits.len() == 64 && digits.is_ascii())?;
        let mut hash = [0; 32];
        for (n, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[2 * n..2 * n + 2], 16).ok()?;
        }
        Some(Self { seq, hash, purge: parts.next() == Some("purge") })
    }
}

/// The index and its writer.
pub(super) struct Shelf {
    index: Index,
    reader: IndexReader,
    /// Its fields.
    pub(super) fields: Fields,
}

impl Shelf {
    /// The index that is there, with its mark; none when it is missing, damaged or of another schema.
    pub(super) fn existing(place: &Place) -> Option<(Self, Mark)> {
        match place {
            Place::Folder(folder) => Self::sound(folder).ok().flatten(),
            Place::Memory => None,
        }
    }

    fn sound(folder: &Path) -> Result<Option<(Self, Mark)>, TantivyError> {
        let index = Index::open(MmapDirectory::open(folder)?)?;
        let mark = index.load_metas()?.payload.as_deref().and_then(Mark::of_payload);
        let ours = index.schema() == Fields::new().0 && index.validate_checksum()?.is_empty();
        match mark {
            Some(mark) if ours => Ok(Some((Self::of(index)?, mark))),
            _ => Ok(None),
        }
    }

    /// A new index in place of whatever is there.
    pub(super) fn create(place: &Place) -> Result<Self, TantivyError> {
        let (schema, _) = Fields::new();
        Self::of(match place {
            Place::Memory => Index::create_in_ram(schema),
            Place::Folder(folder) => {
                empty(folder)?;
                Index::create_in_dir(folder, schema)?
            }
        })
    }

    fn of(index: Index) -> Result<Self, TantivyError> {
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { index, reader, fields: Fields::new().1 })
    }

    /// A view of what was committed and installed last.
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Begins to write. What is not committed is forgotten when the writer is dropped.
    pub(super) fn writer(&self, far: bool) -> Result<Writer, TantivyError> {
        let writer = self.writer_of(if far { FAR_WRITER_BYTES } else { WRITER_BYTES })?;
        let mut merging = LogMergePolicy::default();
        merging.set_del_docs_ratio_before_merge(DELETED_MAX);
        writer.open()?.set_merge_policy(Box::new(merging));
        Ok(writer)
    }

    /// A writer that merges only what it is told to.
    pub(super) fn bare_writer(&self) -> Result<Writer, TantivyError> {
        self.writer_of(WRITER_BYTES)
    }

    fn writer_of(&self, bytes: usize) -> Result<Writer, TantivyError> {
        let options = IndexWriterOptions::builder()
            .num_worker_threads(1)
            .memory_budget_per_thread(bytes)
            .num_merge_threads(1)
            .build();
        let writer: IndexWriter = self.index.writer_with_options(options)?;
        writer.set_merge_policy(Box::new(NoMergePolicy));
        Ok(Writer { writer: Some(writer), fields: self.fields })
    }

    /// Installs what was committed last.
    pub(super) fn install(&self) -> Result<Searcher, TantivyError> {
        self.reader.reload()?;
        Ok(self.searcher())
    }
}

/// Writes documents; one for each subject.
pub(super) struct Writer {
    /// There until it is dropped.
    writer: Option<IndexWriter>,
    fields: Fields,
}

impl Drop for Writer {
    /// Merges go on behind a writer that is gone, and one that ends late puts its older segments in the place of newer
    /// ones.
    fn drop(&mut self) {
        if let Some(Err(error)) = self.writer.take().map(IndexWriter::wait_merging_threads) {
            tracing::warn!(event = "search_merge_failed", %error);
        }
    }
}

impl Writer {
    fn open(&self) -> Result<&IndexWriter, TantivyError> {
        self.writer.as_ref().ok_or_else(closed)
    }

    fn open_mut(&mut self) -> Result<&mut IndexWriter, TantivyError> {
        self.writer.as_mut().ok_or_else(closed)
    }

    /// Replaces the document of a subject, if there may be one; without a new one the old one is gone.
    pub(super) fn put(&self, subject: u64, doc: Option<&Doc>, known: bool) -> Result<(), TantivyError> {
        if known {
            self.open()?.delete_term(Term::from_field_u64(self.fields.subject, subject));
        }
        let Some(doc) = doc else { return Ok(()) };
        let mut document = TantivyDocument::default();
        document.add_u64(self.fields.subject, subject);
        document.add_text(self.fields.key, &doc.key);
        document.add_text(self.fields.names, &doc.names);
        document.add_text(self.fields.emails, &doc.emails);
        document.add_text(self.fields.places, &doc.places);
        document.add_text(self.fields.whole, &doc.whole);
        for key in &doc.alike {
            document.add_u64(self.fields.alike, *key);
        }
        self.open()?.add_document(document)?;
        Ok(())
    }

    /// Commits everything put so far, together with how far that is.
    pub(super) fn commit(&mut self, mark: &Mark) -> Result<(), TantivyError> {
        let mut commit = self.open_mut()?.prepare_commit()?;
        commit.set_payload(&mark.payload());
        commit.commit()?;
        Ok(())
    }

    /// Writes every segment anew, since a deleted document stays in its segment until then, and deletes the old files.
    pub(super) fn purge(&mut self, of: &Shelf) -> Result<(), TantivyError> {
        let segments = of.index.searchable_segment_ids()?;
        if !segments.is_empty() {
            self.open_mut()?.merge(&segments).wait()?;
        }
        Ok(())
    }

    /// Deletes files that no installed view reads any more.
    pub(super) fn sweep(&self) -> Result<(), TantivyError> {
        self.open()?.garbage_collect_files().wait()?;
        Ok(())
    }
}

fn closed() -> TantivyError {
    TantivyError::SystemError("the index's writer is closed".into())
}

/// Makes the folder, or removes the files in it; nothing below it is touched.
fn empty(folder: &Path) -> Result<(), TantivyError> {
    std::fs::create_dir_all(folder)?;
    for item in std::fs::read_dir(folder)? {
        let item = item?;
        if item.file_type()?.is_file() {
            std::fs::remove_file(item.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_reads_back_and_one_of_another_schema_does_not() {
        let mark =
            Mark { seq: 77, hash: std::array::from_fn(|n| u8::try_from(n * 8).unwrap()), purge: false };
        let payload = mark.payload();
        for mark in [Mark { purge: true, ..mark }, mark] {
            assert_eq!(Mark::of_payload(&mark.payload()), Some(mark));
        }
        let other = payload.replacen(&SCHEMA.to_string(), &(SCHEMA + 1).to_string(), 1);
        for text in [other.as_str(), "", "1", "1 77", "1 77 abc", "1 x 00"] {
            assert_eq!(Mark::of_payload(text), None, "{text}");
        }
    }
}
