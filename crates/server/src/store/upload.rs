//! Exports that arrive in chunks.

use stillhere_core::ids::{ExportId, ParticipantId};

/// How much is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UploadLimits {
    /// Of one export, compressed, in bytes.
    pub export: u64,
    /// Of one export, in chunks: each is a row that the storage has to find.
    pub chunks: u64,
    /// Of one participant, uploads that are not finished.
    pub unfinished: u64,
    /// Of one participant, all exports that came or come in chunks, compressed, in bytes.
    pub participant: u64,
    /// Of one export, decompressed, in bytes.
    pub decompressed: u64,
}

impl Default for UploadLimits {
    fn default() -> Self {
        Self {
            export: 256 << 20,
            chunks: 16_384,
            unfinished: 64,
            participant: 1 << 30,
            decompressed: 1 << 30,
        }
    }
}

/// A chunk of an upload.
#[derive(Clone, Debug)]
pub struct NewChunk {
    /// Whose export.
    pub participant: ParticipantId,
    /// Which.
    pub export: ExportId,
    /// How many bytes the sender believes to be stored. If that is wrong, nothing is changed.
    pub offset: u64,
    /// The next bytes; none is a question.
    pub bytes: Vec<u8>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// So many bytes are stored.
    pub received: u64,
    /// The export is stored as a whole.
    pub stored: bool,
    /// The chunk began where the upload ended, and its bytes, if any, are stored.
    pub taken: bool,
}
