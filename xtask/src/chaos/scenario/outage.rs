//! The database is down for three minutes: no message may reach the dead letters for it, readiness must say why, and
//! everything must go on by itself.

use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::{Fault, Scenario};
use crate::chaos::books::Books;
use crate::chaos::draw::Draw;
use crate::chaos::run::Run;
use crate::services::{Service, Signal};

const DOWN: Duration = Duration::from_secs(180);
/// By then whoever needs the database must have noticed.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Who always needs it; the ledger is needed only when there is a letter.
const WITH_DATABASE: [&str; 2] = ["url-manager", "storage"];

/// What readiness said, and what it should have said.
#[derive(Default)]
pub(super) struct Outage {
    complaints: Vec<String>,
    is_past: bool,
}

impl Scenario for Outage {
    fn inject(&mut self, run: &mut Run<'_>, draw: &mut Draw) -> Result<Fault> {
        if self.is_past {
            run.pause(LOOK_EVERY)?;
            return Ok(Fault { what: "nothing more: it goes on by itself".to_owned(), count: 0 });
        }
        self.is_past = true;
        let how = if draw.coin() { Signal::Kill } else { Signal::Polite };
        run.servers.own.stop(Service::Postgres, how)?;
        let began = Instant::now();
        let mut said = WITH_DATABASE.map(|_| None);
        while began.elapsed() < DOWN {
            run.pause(LOOK_EVERY)?;
            for (said, service) in said.iter_mut().zip(WITH_DATABASE) {
                let reason = run.fleet.not_ready(service);
                if began.elapsed() > NOTICED_WITHIN && reason.is_none() {
                    self.complain(format!("{service} says it is ready without a database"));
                }
                *said = reason.or(said.take());
            }
        }
        for (said, service) in said.iter().zip(WITH_DATABASE) {
            let said = said.as_deref().unwrap_or("nothing");
            eprintln!("chaos: {service} was not ready: {said}");
            if !said.contains("database") && !said.contains("PostgreSQL") && !said.contains("postgres") {
                self.complain(format!(
                    "{service} was not ready and did not say that it was the database: {said}"
                ));
            }
        }
        run.servers.own.start(Service::Postgres)?;
        let began = Instant::now();
        for service in WITH_DATABASE {
            while !run.fleet.is_ready(service) && began.elapsed() < NOTICED_WITHIN {
                run.pause(LOOK_EVERY)?;
            }
            if !run.fleet.is_ready(service) {
                self.complain(format!(
                    "{service} was not ready {} s after the database",
                    NOTICED_WITHIN.as_secs()
                ));
            }
        }
        Ok(Fault::one(format!("the database down for {} s", DOWN.as_secs())))
    }

    fn pace(&self) -> RangeInclusive<u64> {
        3000..=6000
    }

    fn check(&mut self, _run: &Run<'_>, books: &mut Books) {
        books.surprises.append(&mut self.complaints);
    }
}

impl Outage {
    /// Once is enough.
    fn complain(&mut self, what: String) {
        if !self.complaints.contains(&what) {
            self.complaints.push(what);
        }
    }
}
