//! Asking a broker how many copies of its partitions are behind.

use anyhow::{Context, Result};

use super::probe;

/// What a cluster's partitions look like.
#[derive(Debug, PartialEq)]
pub(crate) struct Copies {
    /// All partitions, the internal topics' included.
    pub(crate) partitions: usize,
    /// Those of which a copy is missing or not in sync.
    pub(crate) lagging: usize,
}

/// Asks one broker, `host:port`.
pub(crate) fn copies(broker: &str) -> Result<Copies> {
    let answer = probe::ask(broker, probe::Topics::All)?;
    Reader { rest: &answer }.copies().context("it answers, but not as Kafka does")
}

/// Reads an answer to Metadata, version 1, from front to back.
struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn copies(&mut self) -> Option<Copies> {
        let _correlation = self.int()?;
        for _ in 0..self.int()? {
            let _node = self.int()?;
            self.text()?;
            let _port = self.int()?;
            self.text()?; // the rack
        }
        let _controller = self.int()?;
        let mut found = Copies { partitions: 0, lagging: 0 };
        for _ in 0..self.int()? {
            let _error = self.short()?;
            self.text()?;
            self.take(1)?; // whether it is internal
            for _ in 0..self.int()? {
                let _error = self.short()?;
                let (_partition, _leader) = (self.int()?, self.int()?);
                let (all, in_sync) = (self.list()?, self.list()?);
                found.partitions += 1;
                found.lagging += usize::from(in_sync < all);
            }
        }
        Some(found)
    }

    fn take(&mut self, bytes: usize) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(bytes)?;
        self.rest = rest;
        Some(taken)
    }

    fn int(&mut self) -> Option<i32> {
        Some(i32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn short(&mut self) -> Option<i16> {
        Some(i16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    /// A text, or none (its length is -1).
    fn text(&mut self) -> Option<()> {
        let length = self.short()?;
        self.take(usize::try_from(length).unwrap_or(0)).map(drop)
    }

    /// The length of a list of numbers.
    fn list(&mut self) -> Option<usize> {
        let length = usize::try_from(self.int()?).ok()?;
        self.take(length.checked_mul(4)?)?;
        Some(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_that_is_missing_is_counted() {
        let int = |n: i32| n.to_be_bytes().to_vec();
        let text = |s: &str| [(s.len() as i16).to_be_bytes().to_vec(), s.as_bytes().to_vec()].concat();
        let list =
            |ids: &[i32]| [int(ids.len() as i32), ids.iter().flat_map(|id| int(*id)).collect()].concat();
        let partition =
            |in_sync: &[i32]| [vec![0, 0], int(0), int(1), list(&[1, 2, 3]), list(in_sync)].concat();
        let no_rack = (-1_i16).to_be_bytes().to_vec();
        let answer = [
            [int(7), int(1), int(1), text("kafka"), int(9092), no_rack, int(1)].concat(),
            [int(1), vec![0, 0], text("retry"), vec![0], int(2)].concat(),
            [partition(&[3, 1, 2]), partition(&[3, 1])].concat(),
        ]
        .concat();
        assert_eq!(Reader { rest: &answer }.copies(), Some(Copies { partitions: 2, lagging: 1 }));
        assert_eq!(Reader { rest: &answer[..answer.len() - 1] }.copies(), None);
    }
}
