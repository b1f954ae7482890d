//! The spatial core against the written rules: random lives of a few friends, checked after every command.
mod hub;
mod lives;
mod oracle;
mod scenes;
mod stage;
