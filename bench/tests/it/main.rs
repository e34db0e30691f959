//! The measuring stick from outside: the web over sockets, the floors over the web, the contest as a command.

mod contest;
mod floor;
mod server;
mod support;
mod web;
