//! Text is UTF-8, and a wrong byte is told as soon as it is there (RFC 6455, 8.1; Autobahn 6.*).
use std::time::Duration;

use crate::raw_ws::*;
use crate::socket_server::{Setup, SocketServer};

const GOOD: [&[u8]; 8] = [
    "κόσμε".as_bytes(),
    "Hello-µ@ßöäüàá-UTF-8!!".as_bytes(),
    &[0x00],
    &[0x7F],
    &[0xC2, 0x80],
    &[0xED, 0x9F, 0xBF],
    &[0xEF, 0xBF, 0xBF],
    &[0xF4, 0x8F, 0xBF, 0xBF],
];

/// Wrong at their last byte, right until there.
const BAD: [&[u8]; 12] = [
    &[0x80],
    &[0xC0],
    &[0xC1],
    &[0xE0, 0x80],
    &[0xED, 0xA0],
    &[0xF0, 0x80],
    &[0xF4, 0x90],
    &[0xF5],
    &[0xFE],
    &[0xCE, 0xBA, 0xE1, 0xBD, 0xB9, 0xED, 0xA0],
    &[0xE2, 0x82, 0x41],
    &[0xF0, 0x9F, 0x98, 0xFF],
];

#[test]
fn w5_a_character_may_be_cut_anywhere() {
    let server = SocketServer::start(Setup::default());
    let mut client = RawClient::connect(server.address, "/ws");
    for good in GOOD {
        let expected = Received::Text(String::from_utf8(good.to_vec()).unwrap());
        for cut in 0..=good.len() {
            client.send(&[frame(FIRST_TEXT, &good[..cut]), frame(LAST, &good[cut..])].concat());
            assert_eq!(client.read(), expected, "{good:x?} as fragments, cut at {cut}");
        }
        let whole = frame(TEXT, good);
        for byte in &whole {
            client.send(&[*byte]);
        }
        assert_eq!(client.read(), expected, "{good:x?} byte by byte");
    }
}

#[test]
fn w6_surrogates_overlong_forms_and_numbers_beyond_unicode_are_not_utf8() {
    let server = SocketServer::start(Setup::default());
    let more: [&[u8]; 4] = [&[0xED, 0xA0, 0x80], &[0xC0, 0xAF], &[0xF4, 0x90, 0x80, 0x80], &[0xFF, 0xFE]];
    for bad in BAD.into_iter().chain(more) {
        let mut client = RawClient::connect(server.address, "/ws");
        client.send(&frame(TEXT, bad));
        assert_eq!(client.read(), Received::Close(Some(1007), "the text is not UTF-8".into()), "{bad:x?}");
    }
}

#[test]
fn a_wrong_byte_is_told_before_the_message_or_even_its_frame_is_whole() {
    let server = SocketServer::start(Setup::default());
    for bad in BAD {
        let mut client = RawClient::connect(server.address, "/ws");
        client.send(&frame(FIRST_TEXT, bad));
        assert_eq!(client.read_close(), Some(1007), "{bad:x?} in an unfinished message");

        let mut client = RawClient::connect(server.address, "/ws");
        let whole = frame(TEXT, &[bad, &[b'x'; 50]].concat());
        let (before, after) = whole.split_at(6 + bad.len() - 1);
        client.send(before);
        assert_eq!(client.read_within(Duration::from_millis(60)), Received::Nothing, "{bad:x?} is right so far");
        client.send(&after[..1]);
        assert_eq!(client.read_close(), Some(1007), "{bad:x?} in an unfinished frame");
    }
}

#[test]
fn a_text_that_ends_inside_a_character_is_not_utf8() {
    let server = SocketServer::start(Setup::default());
    for good in GOOD.into_iter().filter(|text| text.last().is_some_and(|last| *last > 0x7F)) {
        for bytes in [
            frame(TEXT, &good[..good.len() - 1]),
            [frame(FIRST_TEXT, &good[..good.len() - 1]), frame(LAST, b"")].concat(),
        ] {
            let mut client = RawClient::connect(server.address, "/ws");
            client.send(&bytes);
            assert_eq!(client.read_close(), Some(1007), "{good:x?}");
        }
    }
}
