//! What the message loop itself costs: a handler that does nothing, over the in-process broker.
//! `cargo run --release -p trawl-shared --example loop_cost`

use std::{sync::Arc, time::Instant};
use tokio_util::sync::CancellationToken;
use trawl_shared::{
    broker::{
        Partition,
        memory::{Memory, Retention},
        send,
    },
    message::{Record, Topic},
    model::{CanonicalUrl, FetchTask, JobId, Origin, Outcome, TaskEnded},
    runtime::{Bus, Context, Failure, GroupSettings, Handler, RuntimeSettings, Service, encode_root},
};

struct Echo;

impl Handler for Echo {
    const NAME: &'static str = "echo";
    type In = FetchTask;
    type Out = TaskEnded;
    async fn handle(&self, task: FetchTask, _: &Context) -> Result<TaskEnded, Failure> {
        Ok(TaskEnded::without_page(task.origin, Outcome::Stored, "ok"))
    }
}

fn task(n: u32) -> Record {
    let job = JobId::fresh();
    let url = CanonicalUrl::parse(&format!("http://host.example/{n}")).expect("a URL");
    let task = FetchTask::new(Origin::of_seed(job, url));
    encode_root(&task, job, "/bench".into()).expect("encodes")
}

#[tokio::main]
async fn main() {
    const MESSAGES: u32 = 100_000;
    let broker = Memory::new(Retention::Forever);
    broker.make_topics(|_| 1);
    for n in 0..MESSAGES {
        send(&broker, task(n)).await.expect("memory");
    }
    let shutdown = CancellationToken::new();
    let began = Instant::now();
    let service = Service::new("bench").handler(Echo, GroupSettings::default());
    let run = tokio::spawn(service.run(
        Bus::new(Arc::new(broker.clone())),
        RuntimeSettings::default(),
        shutdown.clone(),
    ));
    while broker.committed("echo", Partition { topic: Topic::ScrapingTasks, number: 0 })
        != Some(i64::from(MESSAGES))
    {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    println!("{:.1} us per message, wall", began.elapsed().as_secs_f64() * 1e6 / f64::from(MESSAGES));
    shutdown.cancel();
    run.await.expect("runs").expect("ends well");
}
