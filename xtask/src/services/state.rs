//! What was started, in `target/services/state.json`. It is the only reason to ever stop something.

use std::fs;
use std::io::ErrorKind;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use super::Service;
use super::process::Local;
use crate::layout::Layout;

/// One entry for each service that was started from here.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(skip_serializing_if = "Option::is_none")]
    kafka: Option<Instance>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postgres: Option<Instance>,
}

/// One server that was started from here. It keeps its address over stops and starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Instance {
    /// What the tests are told: `host:port`, or a database URL.
    pub(crate) address: String,
    pub(crate) source: Source,
}

/// Who runs the server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Source {
    /// The Docker engine, with the repository's compose file.
    Docker,
    /// A process of this machine.
    Local(Local),
}

impl State {
    pub(crate) fn load(layout: &Layout) -> Result<Self> {
        let path = layout.services("state.json");
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| {
                format!("{} is damaged; stop its servers by hand and delete it", path.display())
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes a new file beside the old one and renames it: a kill never leaves half a state.
    pub(crate) fn save(&self, layout: &Layout) -> Result<()> {
        let path = layout.services("state.json");
        let draft = layout.services("state.json.new");
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&draft, text + "\n")
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("cannot write {}", path.display()))
    }

    pub(crate) fn get(&self, service: Service) -> Option<&Instance> {
        match service {
            Service::Kafka => self.kafka.as_ref(),
            Service::Postgres => self.postgres.as_ref(),
        }
    }

    pub(crate) fn set(&mut self, service: Service, instance: Option<Instance>) {
        match service {
            Service::Kafka => self.kafka = instance,
            Service::Postgres => self.postgres = instance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_survives_the_file() {
        let dir = std::env::temp_dir().join(format!("xtask-state-{}", std::process::id()));
        let layout = Layout::new(dir.clone(), dir.clone());
        fs::create_dir_all(&dir).unwrap();
        assert_eq!(State::load(&layout).unwrap(), State::default(), "no file is an empty state");

        let mut state = State::default();
        state.set(
            Service::Kafka,
            Some(Instance {
                address: "127.0.0.1:20001".to_owned(),
                source: Source::Local(Local {
                    pid: Some(42),
                    ports: vec![20001, 20002],
                    data: dir.join("data"),
                    log: dir.join("log"),
                    durable: false,
                }),
            }),
        );
        state.save(&layout).unwrap();
        assert_eq!(State::load(&layout).unwrap(), state);

        fs::write(layout.services("state.json"), "{").unwrap();
        assert!(State::load(&layout).unwrap_err().to_string().contains("is damaged"));
        fs::remove_dir_all(dir).unwrap();
    }
}
