//! A service: handlers in consumer groups, a retry lane, background tasks, one way to run them.

use super::{
    BatchHandler, DeliveryMode, GroupSettings, Handler, RunError, RuntimeSettings,
    circuit::Circuit,
    group::GroupLoop,
    intake::Intake,
    recent::RecentIds,
    route::{Caller, Route},
    worker::Worker,
};
use crate::{
    broker::{Broker, BrokerError, Connection, Consumer, Subscription, TransactionalId, Transactions},
    message::Topic,
    telemetry::{Health, Metrics, Traces},
};
use futures_util::future::BoxFuture;
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What a service runs on.
#[derive(Clone)]
pub struct Bus {
    /// The broker.
    pub broker: Arc<dyn Broker>,
    /// The process's metrics.
    pub metrics: Metrics,
    /// The process's health.
    pub health: Health,
    /// Where the spans of sampled pages go.
    pub traces: Traces,
}

impl Bus {
    /// A bus with metrics and health of its own.
    #[must_use]
    pub fn new(broker: Arc<dyn Broker>) -> Self {
        Self { broker, metrics: Metrics::default(), health: Health::default(), traces: Traces::default() }
    }
}

type OnStart = Box<dyn FnOnce(&Bus) + Send>;
type Task = Box<dyn FnOnce(Bus, CancellationToken) -> BoxFuture<'static, anyhow::Result<()>> + Send>;

/// What runs beside the handlers.
struct Background {
    name: &'static str,
    /// What it produces.
    output: Option<(Topic, &'static str)>,
    task: Task,
}

/// One of the five services, ready to run on any [`Bus`].
pub struct Service {
    name: &'static str,
    routes: Vec<Arc<Route>>,
    groups: BTreeMap<String, GroupSettings>,
    background: Vec<Background>,
    only_messages: bool,
    on_start: Vec<OnStart>,
}

/// What flows through one handler: a line of the topology.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// Service.
    pub service: &'static str,
    /// Handler, or `dispatch` and the like for messages that no message causes.
    pub handler: &'static str,
    /// What it takes; none for a source.
    pub input: Option<(Topic, &'static str)>,
    /// What it gives.
    pub outputs: Vec<(Topic, &'static str)>,
}

impl Service {
    /// A service without handlers.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            routes: Vec::new(),
            groups: BTreeMap::new(),
            background: Vec::new(),
            only_messages: false,
            on_start: Vec::new(),
        }
    }

    /// States that its handlers take one message at a time and have no lasting effect but their outputs, so that
    /// [`DeliveryMode::ExactlyOnce`] has a meaning for it. Who keeps something does so once by the ids of messages.
    #[must_use]
    pub fn only_messages(self) -> Self {
        Self { only_messages: true, ..self }
    }

    /// Registers a handler, in a group of its own with these settings.
    #[must_use]
    pub fn handler<H: Handler>(mut self, handler: H, group: GroupSettings) -> Self {
        self.routes.push(Arc::new(Route::single(Arc::new(handler))));
        self.groups.insert(H::NAME.to_owned(), GroupSettings { handlers: vec![H::NAME.to_owned()], ..group });
        self
    }

    /// Registers a handler that takes batches, in a group of its own with these settings.
    #[must_use]
    pub fn batch_handler<H: BatchHandler>(mut self, handler: H, group: GroupSettings) -> Self {
        self.routes.push(Arc::new(Route::batch(Arc::new(handler))));
        self.groups.insert(H::NAME.to_owned(), GroupSettings { handlers: vec![H::NAME.to_owned()], ..group });
        self
    }

    /// Registers a task that produces messages of type `M` which no message causes. It ends when
    /// its token is cancelled; ending earlier, with or without an error, stops the service.
    #[must_use]
    pub fn source<M: crate::message::Message>(
        mut self,
        name: &'static str,
        task: impl FnOnce(Bus, CancellationToken) -> BoxFuture<'static, anyhow::Result<()>> + Send + 'static,
    ) -> Self {
        self.background.push(Background { name, output: Some((M::TOPIC, M::KIND)), task: Box::new(task) });
        self
    }

    /// Registers a task that produces no messages and runs beside the handlers, as [`Service::source`] does.
    #[must_use]
    pub fn background(
        mut self,
        name: &'static str,
        task: impl FnOnce(Bus, CancellationToken) -> BoxFuture<'static, anyhow::Result<()>> + Send + 'static,
    ) -> Self {
        self.background.push(Background { name, output: None, task: Box::new(task) });
        self
    }

    /// Has something done with the bus before the first message comes: metrics of the service's own are added so.
    #[must_use]
    pub fn on_start(mut self, prepare: impl FnOnce(&Bus) + Send + 'static) -> Self {
        self.on_start.push(Box::new(prepare));
        self
    }

    /// Does what [`Service::on_start`] was given, once; starting does it as well.
    pub fn prepare(&mut self, bus: &Bus) {
        std::mem::take(&mut self.on_start).into_iter().for_each(|prepare| prepare(bus));
    }

    /// The service's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its default groups.
    #[must_use]
    pub fn groups(&self) -> &BTreeMap<String, GroupSettings> {
        &self.groups
    }

    /// What flows through it, read off the types of its handlers.
    #[must_use]
    pub fn flows(&self) -> Vec<Flow> {
        let sources = self.background.iter().filter_map(|Background { name, output, .. }| {
            Some(Flow { service: self.name, handler: name, input: None, outputs: vec![(*output)?] })
        });
        let handlers = self.routes.iter().map(|route| Flow {
            service: self.name,
            handler: route.name,
            input: Some((route.topic, route.kind)),
            outputs: route.outputs.clone(),
        });
        sources.chain(handlers).collect()
    }

    /// Joins all groups and runs until `shutdown`, then drains. The future resolves early when
    /// the service can't go on.
    ///
    /// # Errors
    /// When the broker can't be worked with, or a background task failed.
    pub async fn run(
        self,
        bus: Bus,
        settings: RuntimeSettings,
        shutdown: CancellationToken,
    ) -> Result<(), RunError> {
        self.start(bus, settings, shutdown).await?.wait().await
    }

    /// Joins all groups; when it returns, no later message is missed.
    ///
    /// # Errors
    /// As [`Service::run`], and when the configuration names a handler that this service lacks.
    pub async fn start(
        mut self,
        bus: Bus,
        settings: RuntimeSettings,
        shutdown: CancellationToken,
    ) -> Result<Running, RunError> {
        self.prepare(&bus);
        let runtime = Arc::new(settings);
        let shutdown = shutdown.child_token();
        let mut tasks = JoinSet::new();
        let mut lane: HashMap<String, (Arc<Worker>, Vec<Arc<Route>>)> = HashMap::new();
        let delivery = if self.only_messages { runtime.delivery } else { DeliveryMode::AtLeastOnce };
        let instance =
            if runtime.instance.is_empty() { default_instance() } else { runtime.instance.clone() };
        for (group, settings) in self.effective_groups(&runtime)? {
            let routes = self.routes_of(&settings);
            for member in 0..settings.instances.max(1) {
                let worker =
                    Arc::new(self.worker(&bus, &runtime, &group, &settings, &format!("{instance}.{member}")));
                let mut topics: Vec<Topic> = routes.iter().map(|route| route.topic).collect();
                topics.dedup();
                let subscription = Subscription {
                    instance: runtime.static_membership.then(|| format!("{group}.{instance}.{member}")),
                    start: settings.start,
                    replay: settings.replay,
                    ..Subscription::new(group.clone(), topics)
                };
                let name = format!("{group}.{instance}.{member}");
                let (consumer, transactions) = join(&bus, &runtime, delivery, subscription, &name).await?;
                lane.entry(group.clone()).or_insert_with(|| (Arc::clone(&worker), routes.clone()));
                let intake = Intake::Topics(routes.clone());
                let shutdown = shutdown.clone();
                tasks.spawn(GroupLoop { consumer, transactions, intake, worker, shutdown }.run());
            }
        }
        if !lane.is_empty() {
            let group = format!("{}.retry", self.name);
            let worker = Arc::new(self.worker(&bus, &runtime, &group, &GroupSettings::default(), &instance));
            let member = format!("{group}.{instance}");
            let subscription = Subscription {
                instance: runtime.static_membership.then(|| member.clone()),
                ..Subscription::new(group, [Topic::Retry])
            };
            let (consumer, transactions) = join(&bus, &runtime, delivery, subscription, &member).await?;
            let (intake, shutdown) = (Intake::Retries(lane), shutdown.clone());
            tasks.spawn(GroupLoop { consumer, transactions, intake, worker, shutdown }.run());
        }
        for Background { name, task, .. } in self.background {
            let task = task(bus.clone(), shutdown.clone());
            let stopping = shutdown.clone();
            tasks.spawn(async move {
                match task.await {
                    Err(error) => Err(RunError::Background(error.context(format!("{name} failed")))),
                    Ok(()) if stopping.is_cancelled() => Ok(()),
                    Ok(()) => Err(RunError::Background(anyhow::anyhow!("{name} ended by itself"))),
                }
            });
        }
        tasks.spawn(watch_connection(bus, self.name, shutdown.clone()));
        Ok(Running { tasks, shutdown })
    }

    /// The service's groups with the configuration's numbers, and the configuration's own groups
    /// that run handlers of this service.
    fn effective_groups(
        &self,
        runtime: &RuntimeSettings,
    ) -> Result<BTreeMap<String, GroupSettings>, RunError> {
        let mut groups = self.groups.clone();
        for (name, changes) in &runtime.groups {
            let mut settings = changes.over(self.groups.get(name).cloned().unwrap_or_default());
            if settings.handlers.is_empty() {
                settings.handlers = vec![name.clone()];
            }
            let mine = |handler: &&String| self.routes.iter().any(|route| route.name == handler.as_str());
            match settings.handlers.iter().filter(mine).count() {
                0 => continue,
                n if n == settings.handlers.len() => groups.insert(name.clone(), settings),
                _ => {
                    let known: Vec<_> = self.routes.iter().map(|route| route.name).collect();
                    return Err(RunError::Background(anyhow::anyhow!(
                        "groups.{name} mixes handlers of several services; {} has {}",
                        self.name,
                        known.join(", ")
                    )));
                }
            };
        }
        Ok(groups)
    }

    fn routes_of(&self, settings: &GroupSettings) -> Vec<Arc<Route>> {
        self.routes
            .iter()
            .filter(|route| settings.handlers.iter().any(|name| name == route.name))
            .cloned()
            .collect()
    }

    fn worker(
        &self,
        bus: &Bus,
        runtime: &Arc<RuntimeSettings>,
        group: &str,
        settings: &GroupSettings,
        instance: &str,
    ) -> Worker {
        Worker {
            service: self.name.to_owned(),
            group: group.to_owned(),
            settings: settings.clone(),
            caller: Caller {
                worker: format!("{}/{instance}", self.name).into(),
                timeout: Duration::from_millis(settings.timeout_ms),
                clock: runtime.clock,
            },
            runtime: Arc::clone(runtime),
            producer: bus.broker.producer(),
            metrics: bus.metrics.group(self.name, group),
            traces: bus.traces.clone(),
            health: bus.health.component(format!("{group}/{instance}"), "joining its consumer group"),
            waiting: Mutex::default(),
            recent: Mutex::new(RecentIds::new(runtime.recent_ids)),
            circuit: Circuit::new(runtime.circuit.clone()),
            stop: CancellationToken::new(),
        }
    }
}

/// Joins a group, in the way that the mode of delivery asks for. `member` names this one over restarts.
async fn join(
    bus: &Bus,
    runtime: &RuntimeSettings,
    delivery: DeliveryMode,
    subscription: Subscription,
    member: &str,
) -> Result<(Box<dyn Consumer>, Option<Arc<dyn Transactions>>), BrokerError> {
    if delivery == DeliveryMode::AtLeastOnce {
        return Ok((bus.broker.subscribe(subscription).await?, None));
    }
    if runtime.instance.is_empty() {
        return Err(BrokerError::Settings(
            "runtime.delivery = \"exactly-once\" wants a runtime.instance: a name of this process that stays the same over \
             restarts and that no other process of its service has (TRAWL_RUNTIME_INSTANCE)"
                .to_owned(),
        ));
    }
    let name = TransactionalId { id: member.to_owned(), timeout: runtime.transactions.timeout };
    let (consumer, transactions) = bus.broker.subscribe_with_transactions(subscription, name).await?;
    Ok((consumer, Some(transactions)))
}

/// A service that runs.
#[derive(Debug)]
pub struct Running {
    tasks: JoinSet<Result<(), RunError>>,
    shutdown: CancellationToken,
}

impl Running {
    /// Waits until the service has ended; when one part fails the others are stopped.
    ///
    /// # Errors
    /// The first failure.
    pub async fn wait(mut self) -> Result<(), RunError> {
        let mut first = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let ended = ended.unwrap_or_else(|panic| Err(RunError::Background(panic.into())));
            if ended.is_err() {
                self.shutdown.cancel();
                if first.is_ok() {
                    first = ended;
                }
            }
        }
        first
    }
}

/// How often the connection to the broker is looked at for readiness and metrics.
const CONNECTION_POLL: Duration = Duration::from_secs(1);

async fn watch_connection(
    bus: Bus,
    service: &'static str,
    shutdown: CancellationToken,
) -> Result<(), RunError> {
    let health = bus.health.component(format!("{service}: broker"), "not connected yet");
    loop {
        match bus.broker.connection() {
            Connection::Up => {
                health.ready();
                bus.metrics.broker_up(true);
            }
            Connection::Down(why) => {
                health.not_ready(why);
                bus.metrics.broker_up(false);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(CONNECTION_POLL) => {}
            () = shutdown.cancelled() => return Ok(()),
        }
    }
}

/// Host name and process id: unique among the processes that may share a group.
fn default_instance() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    format!("{}-{}", if host.is_empty() { "host" } else { host }, std::process::id())
}
