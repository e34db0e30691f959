//! Shards: whose hosts are whose, where several url-managers share one database.
//!
//! Every host belongs to a shard, by its registrable domain; every shard to one url-manager, as long as that one
//! renews its lease. Each takes no more than its fair share, so that a newcomer finds some and the shards of one that
//! is gone are divided among the others. Who gives URLs out holds its shards with a lock from the look at them to
//! the commit: a url-manager that was away for too long finds that it owns nothing, and never gives a URL out beside
//! the new owner.

use crate::{
    error::FrontierError,
    frontier::Frontier,
    store::{Cell, Input, decode, statements},
    work::Work,
};
use futures_util::FutureExt;
use std::sync::atomic::{AtomicI64, Ordering};
use xxhash_rust::xxh3::xxh3_64;

/// Shards, as the migration makes them.
const SHARDS: usize = 64;
/// How often a lease is renewed, in milliseconds.
const RENEW_MS: i64 = 1_000;
/// No url-manager's id.
const NOBODY: &str = "";
/// Leases that ended so many lease times ago are cleared away.
const FORGET: i64 = 10;

/// The shard of a host's registrable domain. Never changes: it is in databases.
pub(crate) fn shard_of(domain: &str) -> i64 {
    (xxh3_64(domain.as_bytes()) % SHARDS as u64).cast_signed()
}

/// This url-manager among its like.
#[derive(Debug)]
pub(crate) struct Member {
    id: String,
    renewed_at: AtomicI64,
}

impl Member {
    pub(crate) fn new() -> Self {
        Self { id: uuid::Uuid::now_v7().to_string(), renewed_at: AtomicI64::new(i64::MIN) }
    }
}

impl Frontier {
    /// Renews the lease if it is time to, and takes its share of the shards.
    pub(crate) async fn keep_shards(&self) -> Result<(), FrontierError> {
        let Some(member) = &self.member else { return Ok(()) };
        let now = self.now();
        if now.saturating_sub(member.renewed_at.load(Ordering::Relaxed)) < RENEW_MS {
            return Ok(());
        }
        self.retrying(|| self.renew(member, now).boxed()).await?;
        member.renewed_at.store(now, Ordering::Relaxed);
        Ok(())
    }

    async fn renew(&self, member: &Member, now: i64) -> Result<(), FrontierError> {
        let lease = i64::try_from(self.settings.shard_lease_ms).unwrap_or(i64::MAX / FORGET);
        let mut tx = self.database.begin().await?;
        let joined = Input::scalars([member.id.as_str().into(), now.saturating_add(lease).into()]);
        tx.run(&statements::JOIN_MANAGERS, joined).await?;
        let long_gone = now.saturating_sub(lease.saturating_mul(FORGET));
        tx.run(&statements::LEAVE_MANAGERS, Input::scalars([long_gone.into(), NOBODY.into()])).await?;
        let shards =
            decode::<(i64, Option<String>)>(&tx.ask(&statements::LOCK_SHARDS, Input::default()).await?)?;
        let live =
            decode::<String>(&tx.ask(&statements::LIVE_MANAGERS, Input::scalars([now.into()])).await?)?;
        let moves = plan(&member.id, &live, &shards).into_iter();
        let moves = moves.map(|(shard, owner)| [Cell::from(shard), owner.into()]);
        tx.run(&statements::SET_SHARDS, Input::table(moves)).await?;
        Ok(tx.commit().await?)
    }

    /// Takes every url-manager for gone, this one included until its next renewal. Only for the sole user.
    pub(crate) async fn forget_managers(&self) -> Result<(), FrontierError> {
        let Some(member) = &self.member else { return Ok(()) };
        let mut tx = self.database.begin().await?;
        tx.run(&statements::LEAVE_MANAGERS, Input::scalars([i64::MAX.into(), NOBODY.into()])).await?;
        tx.commit().await?;
        member.renewed_at.store(i64::MIN, Ordering::Relaxed);
        Ok(())
    }

    /// Lets go of all shards at once, so that the others need not wait for the lease to end.
    pub(crate) async fn leave_shards(&self) -> Result<(), FrontierError> {
        let Some(member) = &self.member else { return Ok(()) };
        let mut tx = self.database.begin().await?;
        tx.run(&statements::LEAVE_MANAGERS, Input::scalars([0i64.into(), member.id.as_str().into()])).await?;
        Ok(tx.commit().await?)
    }
}

impl Work<'_> {
    /// The shards that this url-manager owns to the end of the transaction, as a list in JSON; none where there
    /// are no shards.
    pub(crate) async fn own_shards(&mut self) -> Result<Option<String>, FrontierError> {
        let Some(member) = &self.frontier.member else { return Ok(None) };
        let asked = Input::scalars([member.id.as_str().into(), self.now.into()]);
        let shards = decode::<i64>(&self.tx.ask(&statements::OWN_SHARDS, asked).await?)?;
        Ok(Some(serde_json::json!(shards).to_string()))
    }
}

/// Which shards change hands: those above this one's fair share are let go, below it free ones are taken.
fn plan<'a>(me: &'a str, live: &[String], shards: &[(i64, Option<String>)]) -> Vec<(i64, Option<&'a str>)> {
    let fair = shards.len().div_ceil(live.len().max(1));
    let is_mine = |owner: &Option<String>| owner.as_deref() == Some(me);
    let mine: Vec<i64> = shards.iter().filter(|(_, owner)| is_mine(owner)).map(|(shard, _)| *shard).collect();
    if mine.len() > fair {
        return mine[fair..].iter().map(|shard| (*shard, None)).collect();
    }
    let is_free = |owner: &Option<String>| owner.as_ref().is_none_or(|owner| !live.contains(owner));
    let free = shards.iter().filter(|(_, owner)| is_free(owner));
    free.take(fair - mine.len()).map(|(shard, _)| (*shard, Some(me))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    /// Golden: shards are in databases.
    #[test]
    fn a_domain_stays_in_its_shard() {
        assert_eq!(["a.example", "example.org", ""].map(shard_of), [8, 5, 2]);
    }

    type Owners = Vec<(i64, Option<String>)>;

    fn renew(me: &str, live: &[String], shards: &mut Owners) {
        for (shard, owner) in plan(me, live, shards) {
            shards[usize::try_from(shard).unwrap()].1 = owner.map(str::to_owned);
        }
    }

    proptest! {
        /// Whoever comes and goes: after two renewals of each, every shard has a live owner and nobody has more
        /// than a fair share.
        #[test]
        fn shards_are_shared_out(generations in prop::collection::vec(prop::collection::btree_set(0u8..6, 1..5), 1..5)) {
            let mut shards: Owners = (0..SHARDS).map(|shard| (shard as i64, None)).collect();
            for live in generations {
                let live: Vec<String> = live.into_iter().map(|id| id.to_string()).collect();
                for me in live.iter().chain(&live) {
                    renew(me, &live, &mut shards);
                }
                let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
                for (_, owner) in &shards {
                    let owner = owner.as_deref().unwrap();
                    prop_assert!(live.iter().any(|id| id == owner));
                    *owned.entry(owner).or_default() += 1;
                }
                prop_assert!(owned.values().all(|count| *count <= SHARDS.div_ceil(live.len())));
            }
        }
    }
}
