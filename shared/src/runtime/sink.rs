//! Where the records go that follow from a message.

use crate::{message::Record, model::MessageId};
use std::sync::{Mutex, PoisonError};

/// Where the records go that follow from a message.
#[derive(Debug)]
pub(super) enum Sink {
    /// To the broker; the message is done when it has acknowledged them.
    AtOnce,
    /// Into the transaction that commits the message's offset.
    Gathering(Mutex<Gathered>),
}

/// What waits for a transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct Gathered {
    /// Records, in order.
    pub(super) records: Vec<Record>,
    /// The messages that they follow from, as duplicates are told by: handled once the transaction is committed.
    pub(super) handled: Vec<MessageId>,
}

impl Gathered {
    pub(super) fn record(record: Record) -> Self {
        Self { records: vec![record], handled: Vec::new() }
    }
}

impl Sink {
    pub(super) fn gathering() -> Self {
        Self::Gathering(Mutex::default())
    }

    /// What was gathered.
    pub(super) fn take(&self) -> Gathered {
        match self {
            Self::AtOnce => Gathered::default(),
            Self::Gathering(gathered) => {
                std::mem::take(&mut *gathered.lock().unwrap_or_else(PoisonError::into_inner))
            }
        }
    }

    /// Adds to what is gathered; `false` where nothing is.
    pub(super) fn gather(&self, add: impl FnOnce(&mut Gathered)) -> bool {
        let Self::Gathering(gathered) = self else { return false };
        add(&mut gathered.lock().unwrap_or_else(PoisonError::into_inner));
        true
    }
}
