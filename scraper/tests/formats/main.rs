//! The verbs that read what sites serve (`robots`, `sitemap`, `charset`), asked as a user asks them, and the corpus of
//! robots.txt files through them.
#![expect(clippy::unwrap_used, reason = "a test that can't go on should stop where it is")]

mod robots;
mod verbs;
