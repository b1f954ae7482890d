//! What several targets ask of what they read.
use letshang::domain::{Availability, Code, Fix, FixFields, Refusal, UnixMs};

/// The moment at which everything here happens.
pub const NOW: UnixMs = UnixMs(1_800_000_000_000);

/// The most characters of an input that a message may repeat.
const ECHO: usize = 200;
/// The most characters of a message: its own words and what it repeats.
const MESSAGE: usize = 400;

/// A message is short, is one line, and repeats little of what it complains of.
pub fn is_short(message: &str, input: &[u8]) {
    let length = message.chars().count();
    assert!(length <= MESSAGE, "{length} characters: {message:.200}…");
    assert!(!message.chars().any(char::is_control), "control characters: {message:?}");
    let whole: Vec<usize> = message.char_indices().map(|(at, _)| at).chain([message.len()]).collect();
    for ends in whole.windows(ECHO + 2) {
        let part = &message.as_bytes()[ends[0]..ends[ECHO + 1]];
        assert!(!input.windows(part.len()).any(|window| window == part), "repeats its input: {message}");
    }
}

/// A refusal has a code that the protocol knows and a short message, which repeats no word as long as a token.
pub fn is_sound(refusal: &Refusal, input: &[u8]) {
    let Refusal { code, message, .. } = refusal;
    assert!(Code::ALL.contains(code) && !message.is_empty());
    is_short(message, input);
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let words = input.split(|byte| !is_of_word(byte)).filter(|word| word.len() >= 16);
    let told = words.filter_map(|word| std::str::from_utf8(word).ok()).find(|word| message.contains(word));
    assert!(told.is_none(), "repeats {told:?}: {message}");
}

/// Whatever fields were read: they make a fix within the world, or are refused.
pub fn is_believable(fields: &FixFields) {
    let of_any_age = match Fix::recorded(fields, NOW) {
        Err(refusal) => return is_sound(&refusal, &[]),
        Ok(fix) => fix,
    };
    let Fix { position, t, accuracy, speed, heading, altitude, battery, steps } = of_any_age;
    assert!((-90.0..=90.0).contains(&position.lat()) && (-180.0..180.0).contains(&position.lon()), "{position:?}");
    assert!([position.lat(), position.lon()].iter().all(|degrees| degrees.to_bits() != (-0.0_f64).to_bits()));
    assert!((0..=NOW.0 + 60_000).contains(&t.0), "{t:?}");
    let within = |value: Option<f32>, low: f32, high: f32| value.is_none_or(|value| (low..=high).contains(&value));
    assert!(within(accuracy, 0.0, 1e6) && within(speed, 0.0, 1e4) && within(altitude, -12_000.0, 1e6));
    assert!(heading.is_none_or(|degrees| (0.0..360.0).contains(&degrees)), "{heading:?}");
    assert!(battery.is_none_or(|percent| percent <= 100) && steps.is_none_or(|steps| steps <= 200_000));
    match Fix::new(fields, NOW) {
        Ok(live) => assert!(live == of_any_age && t.0 >= NOW.0 - 7 * 24 * 3_600_000),
        Err(refusal) => assert_eq!(refusal.code, Code::TooOld),
    }
}

/// An availability that was read is one that friends may be shown.
pub fn is_presentable(availability: &Availability) {
    if let Some(note) = &availability.note {
        let text = note.as_str();
        assert!((1..=140).contains(&text.chars().count()) && !text.chars().any(char::is_control), "{text:?}");
    }
    assert!(availability.until.is_none_or(|until| (0..=253_402_300_799_999).contains(&until.0)));
}

/// Where to cut `length` bytes into pieces: a few ways that follow from `seed`.
pub fn cuts(seed: u16, length: usize) -> Vec<usize> {
    let mut state = u64::from(seed) | 1 << 32;
    let mut cuts = Vec::new();
    let mut at = 0;
    while at < length && cuts.len() < 512 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        // Mostly short pieces: cuts within heads, lines and characters.
        let longest = if state & 3 == 0 { 4_096 } else { 8 };
        at += usize::try_from(state >> 40).unwrap_or(0) % longest + 1;
        cuts.push(at.min(length));
    }
    cuts
}

/// `bytes` in pieces that end at `cuts` and at the end.
pub fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> impl Iterator<Item = &'a [u8]> {
    let ends = cuts.iter().copied().chain([bytes.len()]);
    let mut begin = 0;
    ends.map(move |end| {
        let piece = &bytes[begin..end.max(begin)];
        begin = end.max(begin);
        piece
    })
}
