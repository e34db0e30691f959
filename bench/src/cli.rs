//! The command line.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser as _, Subcommand};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use url::Url;

use crate::floor::{Floor, Override, Parser};
use crate::frontier::{self, Growth};
use crate::measure::{self, Contest, TelemetryCost};
use crate::parsing::{self, Parsing};
use crate::retries::{self, Retries};
use crate::storing::{self, Storing};
use crate::web::{Preset, RequestLog, Web, WebChoice, hashed_truth, serve};

/// The measuring stick: a synthetic web, two floors, and the comparison of Trawl with them.
#[derive(Debug, clap::Parser)]
#[command(name = "bench", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the synthetic web on loopback, or list what a crawl of it should find.
    Web(WebArgs),
    /// Crawl with one of the floors; all hosts of the seeds are in scope.
    Floor(FloorArgs),
    /// Measure Trawl and the floors over the same web, in turn, and print a table.
    Crawl(Contest),
    /// Measure the frontier at several sizes: links taken, URLs given out, memory and disk.
    Frontier(Growth),
    /// Measure what the parser costs a page, beside a bare pass and a bare tree.
    Parser(Parsing),
    /// Measure how fast batches are stored, beside a bare COPY and a bare transaction.
    Storage(Storing),
    /// Measure delayed retries with mixed due times: lateness, memory, CPU.
    Retries(Retries),
    /// Measure what telemetry costs the five services on Kafka and PostgreSQL, beside none.
    Telemetry(TelemetryCost),
    /// Measure what exactly once costs on Kafka beside the default.
    #[cfg(feature = "kafka")]
    Delivery(crate::delivery::DeliveryModes),
}

#[derive(Debug, Args)]
struct WebArgs {
    #[command(flatten)]
    choice: WebChoice,
    /// What kind of web.
    #[arg(long, value_enum, default_value_t = Preset::Docs)]
    profile: Preset,
    /// The loopback port; 0 takes a free one. URLs name it, so it is part of what is served.
    #[arg(long, default_value_t = 8600)]
    port: u16,
    /// Print every URL reachable from the roots with its expected end and the hash (XXH3-128) of its body, one
    /// JSON object a line, and stop.
    #[arg(long)]
    truth: bool,
    /// Record each request in this file, one JSON object a line.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Stop when standard input ends, so that the web never outlives the process that started it.
    #[arg(long)]
    until_stdin_closes: bool,
}

#[derive(Debug, Args)]
struct FloorArgs {
    /// How HTML is read.
    #[arg(long, value_enum)]
    parser: Parser,
    /// Where the crawl starts.
    #[arg(long = "seed-url", value_name = "URL", required = true)]
    seeds: Vec<Url>,
    /// Connect to ADDR for HOST and PORT; `*` stands for every host.
    #[arg(long, value_name = "HOST:PORT:ADDR")]
    resolve: Vec<Override>,
    /// Most requests under way.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Where the rows go, one JSON object a page.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs the command line of this process.
pub fn run() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Web(args) => web(args),
        Command::Floor(args) => floor(args),
        Command::Crawl(contest) => measure::run(&contest),
        Command::Frontier(growth) => frontier::run(&growth),
        Command::Parser(pages) => parsing::run(&pages),
        Command::Storage(storing) => storing::run(&storing),
        Command::Retries(retries) => retries::run(&retries),
        Command::Telemetry(cost) => measure::run_telemetry(&cost),
        #[cfg(feature = "kafka")]
        Command::Delivery(modes) => crate::delivery::run(&modes),
    }
}

fn web(args: WebArgs) -> anyhow::Result<()> {
    let settings = args.choice.settings(args.profile);
    if args.truth {
        return print_truth(&Web::new(settings, args.port));
    }
    let log = args.log.as_deref().map(|path| {
        RequestLog::create(path).with_context(|| format!("cannot create the request log {}", path.display()))
    });
    let log = log.transpose()?;
    // One thread: the web shares the machine with what is measured, and one is plenty.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, args.port));
        let listener =
            TcpListener::bind(address).await.with_context(|| format!("cannot listen on {address}"))?;
        let address = listener.local_addr()?;
        let web = Web::new(settings, address.port());
        println!("listening on {address}");
        if !args.until_stdin_closes {
            let (seeds, port) = (web.seeds(), address.port());
            eprintln!(
                "{} hosts, from {} on; reach them with --resolve '*:{port}:127.0.0.1'",
                seeds.len(),
                seeds[0]
            );
        }
        let stop_with_stdin = args.until_stdin_closes;
        serve(listener, web, log, async move {
            tokio::select! {
                () = stdin_end(), if stop_with_stdin => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        })
        .await
        .context("the web stopped")
    })
}

/// Waits for the end of standard input, whatever stands in it.
async fn stdin_end() {
    let (ended, end) = oneshot::channel();
    // A thread of its own: a read of standard input cannot be called off, and must not hold up the end of the runtime.
    std::thread::spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = ended.send(());
    });
    let _ = end.await;
}

fn print_truth(web: &Web) -> anyhow::Result<()> {
    match write_truth(web, &mut BufWriter::new(io::stdout().lock())) {
        // Whoever reads may have read enough, as `head` does.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("cannot write the truth")
        }
        _ => Ok(()),
    }
}

fn write_truth(web: &Web, out: &mut impl Write) -> io::Result<()> {
    for row in hashed_truth(web) {
        serde_json::to_writer(&mut *out, &row)?;
        out.write_all(b"\n")?;
    }
    out.flush()
}

fn floor(args: FloorArgs) -> anyhow::Result<()> {
    let file = File::create(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    let floor = Floor {
        parser: args.parser,
        seeds: args.seeds,
        resolve: args.resolve,
        concurrency: args.concurrency.into(),
    };
    let mut out = BufWriter::with_capacity(256 * 1024, file);
    let report =
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(floor.run(&mut out))?;
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}
