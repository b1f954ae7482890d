//! Where connections come in. Each one is counted, by address and in total, as soon as it is accepted: before its TLS
//! handshake, so that clients that say nothing take no more room with TLS than without. `HttpServer` shows connections only
//! after it; this is put together from the same parts, with the count in front.
use std::any::Any;
use std::cell::Cell;
use std::future::ready;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use actix_http::error::DispatchError;
use actix_http::{HttpService, Protocol, Request, Response};
use actix_rt::net::{ActixStream, TcpStream};
use actix_service::{IntoServiceFactory, map_config};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{AppConfig, Extensions, Service, ServiceFactory, fn_factory, forward_ready};
use futures_util::future::LocalBoxFuture;
use socket2::SockRef;

use super::limits::{Porter, Visit};
use super::peer::Door;
use super::socket::{DISCONNECT_TIMEOUT, TcpOptions, WRITE_BUFFER, on_connect_with};

/// What a worker needs to know to let connections in.
#[derive(Clone, Debug)]
pub struct Entrance {
    /// Counts them.
    pub porter: Porter,
    /// Where they come from.
    pub address: SocketAddr,
    /// What the kernel does for them.
    pub tcp: TcpOptions,
}

impl Entrance {
    /// One worker's service for `ServerBuilder::listen`. `acceptor`: makes what HTTP is spoken on from what the kernel
    /// accepted; `stopping`: ends when an orderly stop begins.
    pub fn open<A, F, S, B, W>(
        self,
        acceptor: A,
        app: F,
        stopping: impl Fn() -> W + 'static,
    ) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
    where
        A: ServiceFactory<TcpStream, Config = (), InitError = (), Response: ActixStream> + 'static,
        F: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Response<BoxBody>>,
        S::InitError: std::fmt::Debug,
        S::Response: Into<Response<B>>,
        B: MessageBody + 'static,
        W: Future<Output = ()> + 'static,
    {
        let hand = Rc::new(Cell::new(None));
        let (handed, set_options) = (Rc::clone(&hand), on_connect_with(self.tcp));
        let door = Door { address: self.address, tls: self.porter.tls };
        let http = HttpService::build()
            .client_request_timeout(self.porter.head)
            .client_disconnect_timeout(DISCONNECT_TIMEOUT)
            .h1_write_buffer_size(WRITE_BUFFER)
            .graceful_shutdown_signal(stopping)
            .on_connect_ext(move |connection: &A::Response, extensions: &mut Extensions| {
                set_options(connection as &dyn Any, extensions);
                extensions.insert(door);
                if let Some(visit) = handed.take() {
                    extensions.insert::<Visit>(visit);
                }
            })
            // What it knows of the address and of TLS only `HttpServer` can tell it: requests ask their `Door`.
            .finish(map_config(app, |()| AppConfig::default()));
        let starting = Rc::new((http, acceptor));
        fn_factory(move || {
            let (starting, hand, porter) = (Rc::clone(&starting), Rc::clone(&hand), self.porter.clone());
            async move {
                let (http, acceptor) = &*starting;
                let http = Rc::new(http.new_service(()).await?);
                Ok(Entered { porter, acceptor: acceptor.new_service(()).await?, hand, http })
            }
        })
    }
}

/// An [`Entrance`] at work.
struct Entered<A, H> {
    porter: Porter,
    acceptor: A,
    /// The way of a visit to its connection's extensions.
    hand: Rc<Cell<Option<Visit>>>,
    http: Rc<H>,
}

impl<A, H> Service<TcpStream> for Entered<A, H>
where
    A: Service<TcpStream, Future: 'static>,
    H: Service<(A::Response, Protocol, Option<SocketAddr>), Response = (), Future: 'static> + 'static,
    H::Error: 'static,
{
    type Response = ();
    type Error = H::Error;
    type Future = LocalBoxFuture<'static, Result<(), H::Error>>;

    // Not the acceptor: were nothing accepted while many shake hands, silent ones would keep out the others.
    forward_ready!(http);

    fn call(&self, stream: TcpStream) -> Self::Future {
        let peer = stream.peer_addr().ok();
        let Some(visit) = self.porter.admit(peer.map(|peer| peer.ip())) else {
            // A reset: the kernel, too, has nothing to remember of it.
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
            return Box::pin(ready(Ok(())));
        };
        if !self.porter.tls {
            visit.tell(&stream);
        }
        let accepting = self.acceptor.call(stream);
        let (hand, http) = (Rc::clone(&self.hand), Rc::clone(&self.http));
        Box::pin(async move {
            // Whose handshake fails, or takes too long, is gone: nobody is there to be told.
            let Ok(stream) = accepting.await else { return Ok(()) };
            // Taken at once: the call itself, before it waits for anything, shows the connection to `on_connect_ext`.
            hand.set(Some(visit));
            let served = http.call((stream, Protocol::Http1, peer));
            served.await
        })
    }
}
