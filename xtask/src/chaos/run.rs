//! One run of a scenario over the fleet: a crawl, the faults of the schedule, then rest, then the books.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::books::{Books, Letter, Row, Scope};
use super::draw::Draw;
use super::fleet::{Fleet, SERVICES, SESSION};
use super::line::{Line, Weather};
use super::programs::Programs;
use super::report::{Outcome, Setting};
use super::scenario::{Fault, Scenario};
use super::web::{GAP_MS, Web};
use crate::services::{Own, Service, pause};

/// Longest that a crawl may take to come to rest when the faults are over.
pub(super) const REST_WITHIN: Duration = Duration::from_secs(600);
/// How long it must stay at rest: what comes late is found as well.
const STAYS_FOR: Duration = Duration::from_secs(4);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const ASK_EVERY: Duration = Duration::from_secs(1);
/// The first pages must be there before anything is broken.
const BEGINS_WITHIN: Duration = Duration::from_secs(90);

/// Kafka and PostgreSQL of all runs, and the lines to them.
pub(crate) struct Servers {
    pub(crate) own: Own,
    pub(crate) broker: Line,
    pub(crate) database: Line,
}

impl Servers {
    /// Starts what is down, and mends the lines.
    fn mend(&mut self) -> Result<()> {
        self.broker.set(Weather::Fair);
        self.database.set(Weather::Fair);
        Service::ALL.into_iter().try_for_each(|service| self.own.ensure(service))
    }
}

/// A crawl under way, and all that a fault may lay hands on.
pub(crate) struct Run<'a> {
    pub(crate) fleet: Fleet<'a>,
    pub(crate) servers: &'a mut Servers,
    pub(crate) web: Web,
    pub(crate) prefix: String,
    /// Where logs go, and what else a scenario keeps.
    pub(crate) folder: PathBuf,
    /// The database as seen past its line.
    database: String,
    job: String,
    interrupted: &'a AtomicBool,
}

impl<'a> Run<'a> {
    /// Makes the web, the database and the fleet of a run; nothing is started yet but the web.
    pub(crate) fn new(
        programs: &'a Programs,
        servers: &'a mut Servers,
        setting: &Setting,
        scenario: &mut dyn Scenario,
        folder: PathBuf,
        interrupted: &'a AtomicBool,
    ) -> Result<Self> {
        // Whatever became of the run before.
        servers.mend()?;
        let web = Web::start(programs, setting.seed, setting.minutes, &folder)?;
        let job = format!("{}_{}", setting.name.replace('-', "_"), setting.seed);
        let prefix = format!("{job}.");
        let through_line = servers.own.database(&job, servers.database.port())?;
        let database = format!("postgres://trawl@127.0.0.1:{}/{job}", servers.own.port(Service::Postgres)?);
        let environment = environment(&web, &prefix, servers.broker.port(), &through_line);
        scenario.prepare(&folder)?;
        let fleet = Fleet::new(programs, environment, scenario, folder.clone());
        Ok(Self { fleet, servers, web, prefix, folder, database, job, interrupted })
    }

    /// Runs the scenario to its end.
    pub(crate) fn perform(mut self, setting: Setting, scenario: &mut dyn Scenario) -> Result<Outcome> {
        let mut draw = Draw::new(setting.seed, &setting.name);
        let began = Instant::now();
        self.begin()?;
        let mut faults = Vec::new();
        let until = Instant::now() + Duration::from_secs_f64(setting.minutes * 60.0);
        loop {
            self.pause(draw.millis(scenario.pace()))?;
            if Instant::now() >= until || self.is_done() {
                break;
            }
            let at = began.elapsed();
            let Fault { what, count } = scenario.inject(&mut self, &mut draw)?;
            eprintln!("chaos: {:6.1} s  {what}", at.as_secs_f64());
            faults.push((at, what, count));
        }
        self.heal()?;
        let ended = Instant::now();
        let came_to_rest = self.rest(scenario)?;
        let rest = ended.elapsed();
        let mut books = self.books(scenario)?;
        scenario.check(&self, &mut books);
        let peak_mib = self.fleet.finish_all();
        if !came_to_rest {
            books.unbalanced.push(format!(
                "it did not come to rest within {} s: {}",
                rest.as_secs(),
                self.standing()
            ));
        }
        books.surprises.append(&mut self.fleet.surprises);
        Ok(Outcome { setting, faults, books, took: began.elapsed(), rest, peak_mib })
    }

    /// Gives the job more places to begin at.
    pub(crate) fn seed(&mut self, urls: &[String]) -> Result<()> {
        let delay = format!("{GAP_MS}ms");
        let mut arguments = vec!["seed", "--quiet", "--job", &self.job, "--allow-private-addresses"];
        arguments.extend(["--per-host", "1", "--delay", &delay, "--scope", "host", "--timeout", "8s"]);
        arguments.extend(["--database-url", &self.database]);
        arguments.extend(urls.iter().map(String::as_str));
        self.fleet.run("url-manager", &arguments).map(drop)
    }

    /// Seeds the job, starts the services, and waits for the first pages.
    fn begin(&mut self) -> Result<()> {
        self.seed(&self.web.seeds())?;
        self.fleet.start_all()?;
        let began = Instant::now();
        while self.ended() < 12 {
            if began.elapsed() > BEGINS_WITHIN {
                bail!(
                    "no page within {} s; the logs are in {}",
                    BEGINS_WITHIN.as_secs(),
                    self.folder.display()
                );
            }
            self.pause(ASK_EVERY)?;
        }
        Ok(())
    }

    /// Lets the crawl go on for so long, and looks after the processes meanwhile.
    pub(crate) fn pause(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        loop {
            if self.interrupted.load(Ordering::Relaxed) {
                bail!("interrupted");
            }
            self.fleet.watch()?;
            let Some(left) = until.checked_duration_since(Instant::now()) else { return Ok(()) };
            pause(left.min(LOOK_EVERY));
        }
    }

    /// Takes all faults back: what is down is started, what is cut is mended, who is missing comes back.
    fn heal(&mut self) -> Result<()> {
        self.servers.mend()?;
        for service in SERVICES {
            if self.fleet.names().iter().all(|name| name != service) {
                self.fleet.start(service, service, &[])?;
            }
            self.fleet.freeze(service, false)?;
        }
        Ok(())
    }

    /// Waits until the job is done and the books balance, and a little longer.
    fn rest(&mut self, scenario: &dyn Scenario) -> Result<bool> {
        let began = Instant::now();
        let mut calm_since = None;
        while began.elapsed() < REST_WITHIN {
            self.pause(ASK_EVERY)?;
            let calm = self.is_done() && self.is_balanced() && scenario.is_over(self);
            let since = *calm_since.get_or_insert_with(Instant::now);
            match calm {
                false => calm_since = None,
                true if since.elapsed() >= STAYS_FOR => return Ok(true),
                true => {}
            }
        }
        Ok(false)
    }

    /// URLs that have ended; 0 while nobody can be asked.
    pub(crate) fn ended(&self) -> u64 {
        let Ok(status) = self.ask("url-manager", &["status", "--json", "--job", &self.job]) else { return 0 };
        let count = |state: &str| status[0]["counts"][state].as_u64().unwrap_or(0);
        ["stored", "redirected", "gone", "dead", "excluded"].into_iter().map(count).sum()
    }

    /// Whether the job is done; no while nobody can be asked.
    pub(crate) fn is_done(&self) -> bool {
        let status = self.ask("url-manager", &["status", "--json", "--job", &self.job]);
        status.is_ok_and(|status| status[0]["done"] == true)
    }

    fn is_balanced(&self) -> bool {
        let audit =
            self.ask("trawl", &["audit", "--json", "--job", &self.job, "--database-url", &self.database]);
        audit.is_ok_and(|audit| audit[0]["balanced"] == true && audit[0]["open"] == 0)
    }

    /// How the job stands, for those who wonder why it does not end.
    fn standing(&self) -> String {
        let status = self.ask("url-manager", &["status", "--json", "--job", &self.job]);
        status.map_or_else(|error| format!("{error:#}"), |status| status[0]["counts"].to_string())
    }

    /// Asks past the line, so that faults on it do not hide the answer.
    pub(crate) fn ask(&self, program: &str, arguments: &[&str]) -> Result<Vec<serde_json::Value>> {
        let past = ["--database-url", self.database.as_str()];
        let doubled = arguments.contains(&past[0]);
        self.fleet.json(program, &[arguments, if doubled { &[] } else { &past }].concat())
    }

    /// All letters of the ledger.
    pub(crate) fn letters(&self) -> Result<Vec<Letter>> {
        let letters = self.ask("dlq-handler", &["list", "--json", "--limit", "100000"])?;
        Ok(letters.iter().map(Letter::read).collect())
    }

    fn books(&self, scenario: &dyn Scenario) -> Result<Books> {
        let audit =
            self.ask("trawl", &["audit", "--json", "--job", &self.job, "--database-url", &self.database])?;
        let audit = audit.first().context("trawl audit said nothing")?;
        let columns = "url,outcome,body_hash";
        let rows =
            self.ask("storage", &["export", "--format", "jsonl", "--columns", columns, "--job", &self.job])?;
        let rows: Vec<Row> = rows.iter().map(Row::read).collect();
        let job = self.ask("url-manager", &["jobs", "show", &self.job, "--json"])?;
        let excluded_by = &job.first().context("url-manager jobs show said nothing")?["excluded_by"];
        let rude = self.web.rudeness()?;
        let scope = if scenario.knows_all_urls() { Scope::Whole } else { Scope::WebOnly };
        Ok(Books::close(scope, self.web.expected(), rows, self.letters()?, (audit, excluded_by), rude))
    }
}

/// Settings of all services: timeouts short enough for faults to show, and topics small enough for a broker that is
/// killed to come back soon.
fn environment(web: &Web, prefix: &str, broker: u16, database: &str) -> Vec<(String, String)> {
    let session = SESSION.as_millis().to_string();
    let brokers = format!("127.0.0.1:{broker}");
    let (prefix, resolve) = (prefix.to_owned(), web.resolve());
    let settings: BTreeMap<&str, &str> = [
        ("TRAWL_KAFKA_BROKERS", brokers.as_str()),
        ("TRAWL_KAFKA_TOPIC_PREFIX", &prefix),
        ("TRAWL_DATABASE_URL", database),
        ("TRAWL_KAFKA_CONSUMER_SESSION_TIMEOUT_MS", &session),
        ("TRAWL_KAFKA_CONSUMER_HEARTBEAT_MS", "1000"),
        ("TRAWL_RUNTIME_REVOKE_TIMEOUT_MS", "2500"),
        ("TRAWL_URL_MANAGER_LEASE_MS", "30000"),
        ("TRAWL_URL_MANAGER_SHARD_LEASE_MS", "3000"),
        ("TRAWL_SCRAPER_RESOLVE", &resolve),
        ("TRAWL_SCRAPER_POOL_IDLE_MS", "2000"),
        ("TRAWL_RETRY_SERVER_BASE_MS", "300"),
        ("TRAWL_RETRY_SERVER_FACTOR", "2"),
        ("TRAWL_CIRCUIT_MAX_PAUSE_MS", "10000"),
        ("TRAWL_TOPICS_SCRAPING_TASKS_PARTITIONS", "6"),
        ("TRAWL_TOPICS_SCRAPED_DATA_PARTITIONS", "4"),
        ("TRAWL_TOPICS_PARSED_DATA_PARTITIONS", "4"),
        ("TRAWL_TOPICS_RETRY_PARTITIONS", "6"),
        ("TRAWL_TOPICS_DEAD_LETTER_PARTITIONS", "2"),
    ]
    .into();
    settings.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
