//! A store whose commits fail when they are told to.

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};
use trawl_shared::{
    model::{CanonicalUrl, JobId, MessageId, Outcome, TaskId},
    sql::SqlError,
};
use trawl_storage::{
    Page,
    store::{Count, OutputMark, PageStore, PageTransaction, Question, Statement},
};

/// How the next commit fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// It has no effect.
    Lost,
    /// It takes effect, and the answer is lost.
    Unheard,
}

/// A store that does what another does, until it is told to fail.
pub(crate) struct Flaky {
    pub(crate) inner: Arc<dyn PageStore>,
    pub(crate) next: Arc<Mutex<Option<Fault>>>,
}

struct FlakyTransaction {
    inner: Box<dyn PageTransaction>,
    fault: Option<Fault>,
}

fn error() -> SqlError {
    SqlError::Missing("the test cut the connection".to_owned())
}

#[async_trait]
impl PageStore for Flaky {
    async fn begin(&self) -> Result<Box<dyn PageTransaction>, SqlError> {
        let fault = self.next.lock().unwrap().take();
        Ok(Box::new(FlakyTransaction { inner: self.inner.begin().await?, fault }))
    }
    async fn counts(&self, job: Option<JobId>) -> Result<Vec<Count>, SqlError> {
        self.inner.counts(job).await
    }
    fn stored_tasks(&self, job: JobId) -> BoxStream<'_, Result<TaskId, SqlError>> {
        self.inner.stored_tasks(job)
    }
    fn pages(&self, question: &Question) -> BoxStream<'_, Result<Page, SqlError>> {
        self.inner.pages(question)
    }
    async fn index(&self) -> Result<(), SqlError> {
        self.inner.index().await
    }
    fn ask(&self, statement: Statement, input: String) -> BoxStream<'_, Result<String, SqlError>> {
        self.inner.ask(statement, input)
    }
    async fn page(&self, job: JobId, task: TaskId) -> Result<Option<Page>, SqlError> {
        self.inner.page(job, task).await
    }
    async fn page_of(&self, job: JobId, url: &CanonicalUrl) -> Result<Option<Page>, SqlError> {
        self.inner.page_of(job, url).await
    }
    async fn output(&self, path: &str) -> Result<Option<OutputMark>, SqlError> {
        self.inner.output(path).await
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

#[async_trait]
impl PageTransaction for FlakyTransaction {
    async fn take_messages(
        &mut self,
        consumer: &str,
        ids: &[MessageId],
        now: i64,
    ) -> Result<HashSet<MessageId>, SqlError> {
        self.inner.take_messages(consumer, ids, now).await
    }
    async fn run(&mut self, statement: Statement, input: String) -> Result<Vec<String>, SqlError> {
        self.inner.run(statement, input).await
    }
    async fn insert(&mut self, pages: &[&Page], now: i64) -> Result<HashSet<TaskId>, SqlError> {
        self.inner.insert(pages, now).await
    }
    async fn replace(&mut self, page: &Page, now: i64) -> Result<Option<Outcome>, SqlError> {
        self.inner.replace(page, now).await
    }
    async fn add_count(&mut self, job: JobId, outcome: Outcome, pages: i64) -> Result<(), SqlError> {
        self.inner.add_count(job, outcome, pages).await
    }
    async fn save_output(&mut self, path: &str, mark: OutputMark) -> Result<(), SqlError> {
        self.inner.save_output(path, mark).await
    }
    async fn commit(self: Box<Self>) -> Result<(), SqlError> {
        match self.fault {
            None => self.inner.commit().await,
            Some(Fault::Lost) => Err(error()),
            Some(Fault::Unheard) => {
                self.inner.commit().await?;
                Err(error())
            }
        }
    }
}
