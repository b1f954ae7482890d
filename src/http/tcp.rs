//! What the kernel does for a connection: it sends without waiting, holds little for a slow reader, and cuts one that
//! takes nothing.
use std::any::Any;
use std::time::Duration;

use actix_rt::net::TcpStream;
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::dev::Extensions;
use socket2::SockRef;

/// For `HttpServer::client_disconnect_timeout`: none, so that a closed WebSocket hangs up at once. With a time-out actix-http
/// waits that long for the client to hang up first, counted from a clock that it reads twice a second: when the clock
/// lags by more than the time-out, the wait has no end. Sockets do their own waiting ([`super::socket::SocketLimits`]).
pub const DISCONNECT_TIMEOUT: Duration = Duration::ZERO;

/// Options set on every accepted connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// How long sent bytes may go without the peer taking any before the kernel cuts the connection (`TCP_USER_TIMEOUT`).
    pub write_stall: Duration,
    /// What the kernel may hold unsent, bytes (`SO_SNDBUF`; Linux doubles it for its own book-keeping).
    pub send_buffer: usize,
}

impl Default for TcpOptions {
    fn default() -> Self {
        Self { write_stall: Duration::from_secs(20), send_buffer: 32 * 1024 }
    }
}

/// For `HttpServer::on_connect`: the default [`TcpOptions`].
pub fn on_connect(connection: &dyn Any, extensions: &mut Extensions) {
    on_connect_with(TcpOptions::default())(connection, extensions);
}

/// For `HttpServer::on_connect`: these options.
pub fn on_connect_with(options: TcpOptions) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
    move |connection, _| {
        let Some(stream) = stream_of(connection) else { return };
        let socket = SockRef::from(stream);
        let set = socket
            .set_tcp_nodelay(true)
            .and_then(|()| socket.set_send_buffer_size(options.send_buffer))
            .and_then(|()| set_write_stall(&socket, options.write_stall));
        if let Err(error) = set {
            tracing::debug!(%error, "socket options could not be set");
        }
    }
}

/// The TCP connection of what `on_connect` is given. Over TLS it is the one inside, heard of after the handshake.
pub(in crate::http) fn stream_of(connection: &dyn Any) -> Option<&TcpStream> {
    let secured = || connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
    connection.downcast_ref::<TcpStream>().or_else(secured)
}

#[cfg(target_os = "linux")]
fn set_write_stall(socket: &SockRef<'_>, after: Duration) -> std::io::Result<()> {
    socket.set_tcp_user_timeout(Some(after))
}

#[cfg(not(target_os = "linux"))]
fn set_write_stall(_: &SockRef<'_>, _: Duration) -> std::io::Result<()> {
    Ok(())
}
