mod friends; mod grid; mod island; mod random; mod schedule; mod walker;
fn main() {}
