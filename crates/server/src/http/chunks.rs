//! An upload as one stream, read from the storage chunk by chunk.

use std::io::{self, BufRead, Read};
use std::sync::Arc;

use stillhere_core::ids::{ExportId, ParticipantId};
use tokio::runtime::Handle;

use super::document::Flaw;
use crate::store::Store;

/// Blocks on the storage: for a thread that may block. Holds one chunk at a time.
pub(super) struct Chunks {
    pub(super) store: Arc<dyn Store>,
    pub(super) runtime: Handle,
    pub(super) participant: ParticipantId,
    pub(super) export: ExportId,
    /// How long the upload is; what is added behind that meanwhile is not read.
    pub(super) length: u64,
    chunk: Vec<u8>,
    /// How much of the chunk has been read, and where it ends in the upload.
    read: usize,
    end: u64,
}

impl Chunks {
    pub(super) fn new(
        store: Arc<dyn Store>,
        participant: ParticipantId,
        export: ExportId,
        length: u64,
    ) -> Self {
        Self {
            store,
            runtime: Handle::current(),
            participant,
            export,
            length,
            chunk: Vec::new(),
            read: 0,
            end: 0,
        }
    }
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.read == self.chunk.len() && self.end < self.length {
            let next = self.store.chunk(&self.participant, &self.export, self.end);
            self.chunk = match self.runtime.block_on(next) {
                Ok(Some(chunk)) => chunk,
                // Dropped meanwhile.
                Ok(None) => return Err(io::Error::other(Flaw::Gone)),
                Err(error) => return Err(io::Error::other(Flaw::Storage(error))),
            };
            self.read = 0;
            self.end += self.chunk.len() as u64;
        }
        Ok(&self.chunk[self.read..])
    }

    fn consume(&mut self, amount: usize) {
        self.read += amount;
    }
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let amount = available.len().min(buffer.len());
        buffer[..amount].copy_from_slice(&available[..amount]);
        self.consume(amount);
        Ok(amount)
    }
}
