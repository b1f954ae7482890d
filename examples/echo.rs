//! Echoes every message over the server's own socket code: for conformance suites and for measuring the plumbing.
//!
//! `cargo run --release --example echo -- --listen 127.0.0.1:9001 --limit 16777216`; with `--sink` it only reads.
use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use clap::Parser;
use letshang::actors::downlink::Downlink;
use letshang::http::socket::{
    DISCONNECT_TIMEOUT, Flow, Link, Message, Outbox, OutboxLimits, ReaderLimits, Session, SocketLimits, SocketMetrics,
    WRITE_BUFFER, on_connect, serve,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Options {
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    /// The largest message, bytes.
    #[arg(long, default_value_t = 16 * 1024 * 1024)]
    limit: usize,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    workers: usize,
    /// Read and forget instead of echoing.
    #[arg(long)]
    sink: bool,
}

/// Sends back what comes, and reads on only while the client takes it.
struct Echo {
    sink: bool,
}

impl Session for Echo {
    fn message(&mut self, message: Message, link: &Link) -> Flow {
        if self.sink {
            return Flow::Continue;
        }
        let outbox = link.outbox();
        match message {
            Message::Text(text) => outbox.state(text),
            Message::Binary(bytes) => outbox.binary(bytes),
        }
        if outbox.has_room() { Flow::Continue } else { Flow::Wait(Box::pin(outbox.room())) }
    }

    fn tick(&mut self, _: &Link) {}

    fn closed(&mut self) {}
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let options = Options::parse();
    let metrics = Arc::new(SocketMetrics::default());
    let limits = Arc::new(SocketLimits {
        reader: ReaderLimits { frame_bytes: options.limit, fragments: u32::MAX, binary_allowed: true },
        pongs_per_second: u32::MAX,
        ..SocketLimits::default()
    });
    let outbox_limits = OutboxLimits { frames: 1024, bytes: 2 * options.limit.max(65_536) };
    let sink = options.sink;
    let server = HttpServer::new(move || {
        let (metrics, limits) = (Arc::clone(&metrics), Arc::clone(&limits));
        let handler = move |req: HttpRequest, payload: web::Payload| {
            let outbox = Outbox::new(outbox_limits, Arc::clone(&metrics));
            let response = serve(&req, payload, Echo { sink }, outbox, Arc::clone(&limits));
            async move { response as Result<HttpResponse, actix_web::Error> }
        };
        App::new().default_service(web::get().to(handler))
    })
    .workers(options.workers)
    .max_connections(100_000)
    .backlog(4096)
    .h1_write_buffer_size(WRITE_BUFFER)
    .client_disconnect_timeout(DISCONNECT_TIMEOUT)
    .on_connect(on_connect)
    .bind(options.listen)?;
    for address in server.addrs() {
        println!("listening on {address}");
    }
    std::io::stdout().flush()?;
    server.run().await
}
