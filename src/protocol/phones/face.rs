//! A friend's picture for phone apps: a disc with initials in a ring that is green while they are free. Four colours, about
//! one kilobyte.
/// Pixels a side: what the apps expect.
const SIDE: u16 = 192;
/// Pixels a dot of a letter.
const DOT: f32 = 11.0;
/// The discs' colours: white is readable on each.
const DISCS: [[u8; 3]; 6] = [
    [0x3B, 0x5B, 0xA5],
    [0x8E, 0x44, 0x8B],
    [0xA8, 0x4A, 0x32],
    [0x2F, 0x75, 0x7A],
    [0x6B, 0x55, 0x2F],
    [0x4A, 0x55, 0x68],
];
const FREE: [u8; 3] = [0x2E, 0xA0, 0x43];
const BUSY: [u8; 3] = [0x9A, 0xA0, 0xA6];
const WHITE: [u8; 3] = [0xFF; 3];

/// What a picture shows: equal ones are the same picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Face {
    initials: [u8; 2],
    disc: u8,
    free: bool,
}

impl Face {
    /// Of somebody.
    #[must_use]
    pub fn of(id: &str, name: &str, free: bool) -> Self {
        let sum = id.bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
        let discs = u8::try_from(DISCS.len()).unwrap_or(1).max(1);
        let initials = initials(name).or_else(|| initials(id)).unwrap_or([b' ', b' ']);
        Self { initials, disc: sum.checked_rem(discs).unwrap_or(0), free }
    }

    /// The picture; `None` when it cannot be written, which would be a mistake in here.
    #[must_use]
    pub fn png(self) -> Option<Vec<u8>> {
        let ring = if self.free { FREE } else { BUSY };
        let disc = DISCS.get(usize::from(self.disc)).copied().unwrap_or(BUSY);
        let mut out = Vec::with_capacity(2_048);
        let mut encoder = png::Encoder::new(&mut out, u32::from(SIDE), u32::from(SIDE));
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Two);
        encoder.set_palette([WHITE, ring, disc, WHITE].concat());
        encoder.set_trns(vec![0]);
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header().ok()?;
        writer.write_image_data(&self.pixels()).ok()?;
        writer.finish().ok()?;
        Some(out)
    }

    /// Two bits a pixel, row by row.
    fn pixels(self) -> Vec<u8> {
        let columns: Vec<u16> = (0..SIDE).collect();
        let pack =
            |row: u16, four: &[u16]| four.iter().fold(0_u8, |byte, column| (byte << 2) | self.pixel(*column, row));
        (0..SIDE).flat_map(|row| columns.chunks(4).map(move |four| pack(row, four)).collect::<Vec<_>>()).collect()
    }

    /// 0: nothing; 1: ring; 2: disc; 3: letter.
    fn pixel(self, column: u16, row: u16) -> u8 {
        let middle = f32::from(SIDE) / 2.0;
        let (x, y) = (f32::from(column) + 0.5 - middle, f32::from(row) + 0.5 - middle);
        let from_middle = x.hypot(y);
        if from_middle > middle - 2.0 {
            0
        } else if from_middle > middle - 18.0 {
            1
        } else if self.is_letter(x, y) {
            3
        } else {
            2
        }
    }

    /// Whether a letter covers a point, in pixels from the middle.
    fn is_letter(self, x: f32, y: f32) -> bool {
        let [first, second] = self.initials;
        let dots = |from: f32| (from / DOT).floor();
        let row = dots(y + 3.5 * DOT);
        if second == b' ' {
            return is_dot(first, dots(x + 2.5 * DOT), row);
        }
        // Two letters of five dots with one between.
        is_dot(first, dots(x + 5.5 * DOT), row) || is_dot(second, dots(x - 0.5 * DOT), row)
    }
}

/// Whether a letter has a dot in a column (0 to 4) and row (0 to 6).
fn is_dot(letter: u8, column: f32, row: f32) -> bool {
    let within = (0.0..5.0).contains(&column) && (0.0..7.0).contains(&row);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be 0 to 6")]
    let (column, row) = (column as usize, row as usize);
    let lines = LETTERS.iter().find(|(known, _)| *known == letter).map(|(_, lines)| lines);
    let line = lines.filter(|_| within).and_then(|lines| lines.get(row)).copied().unwrap_or(0);
    [16, 8, 4, 2, 1].get(column).is_some_and(|bit| line & bit != 0)
}

/// The first letters of the first two words, as far as they can be drawn.
fn initials(name: &str) -> Option<[u8; 2]> {
    let words = name.split(|c: char| c.is_whitespace() || c == '-' || c == '_' || c == '.');
    let mut letters = words.filter_map(|word| word.chars().find(|c| c.is_alphanumeric()).and_then(plain));
    Some([letters.next()?, letters.next().unwrap_or(b' ')])
}

/// A letter without its marks, in upper case.
fn plain(letter: char) -> Option<u8> {
    const MARKED: [(&str, u8); 18] = [
        ("ÀÁÂÃÄÅĀĂĄÆ", b'A'),
        ("ÇĆČĊ", b'C'),
        ("ĎĐÐ", b'D'),
        ("ÈÉÊËĒĖĘĚ", b'E'),
        ("ĞĢ", b'G'),
        ("ÌÍÎÏĪĮİ", b'I'),
        ("Ķ", b'K'),
        ("ŁĹĻĽ", b'L'),
        ("ÑŃŅŇ", b'N'),
        ("ÒÓÔÕÖØŌŐŒ", b'O'),
        ("ŔŘ", b'R'),
        ("ŚŞŠȘẞ", b'S'),
        ("ŢŤȚ", b'T'),
        ("ÙÚÛÜŪŮŰŲ", b'U'),
        ("Ŵ", b'W'),
        ("ÝŸ", b'Y'),
        ("ŹŻŽ", b'Z'),
        ("Þ", b'P'),
    ];
    let upper = letter.to_uppercase().next()?;
    if upper.is_ascii_alphanumeric() {
        return u8::try_from(upper).ok();
    }
    MARKED.iter().find(|(marked, _)| marked.contains(upper)).map(|(_, plain)| *plain)
}

/// Letters of five by seven dots, a line a row, the leftmost dot first.
const LETTERS: [(u8, [u8; 7]); 36] = [
    (b'A', [0b01110, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    (b'B', [0b11110, 0b10001, 0b10001, 0b11110, 0b10001, 0b10001, 0b11110]),
    (b'C', [0b01110, 0b10001, 0b10000, 0b10000, 0b10000, 0b10001, 0b01110]),
    (b'D', [0b11110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b11110]),
    (b'E', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b11111]),
    (b'F', [0b11111, 0b10000, 0b10000, 0b11110, 0b10000, 0b10000, 0b10000]),
    (b'G', [0b01110, 0b10001, 0b10000, 0b10111, 0b10001, 0b10001, 0b01111]),
    (b'H', [0b10001, 0b10001, 0b10001, 0b11111, 0b10001, 0b10001, 0b10001]),
    (b'I', [0b01110, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    (b'J', [0b00111, 0b00010, 0b00010, 0b00010, 0b00010, 0b10010, 0b01100]),
    (b'K', [0b10001, 0b10010, 0b10100, 0b11000, 0b10100, 0b10010, 0b10001]),
    (b'L', [0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b10000, 0b11111]),
    (b'M', [0b10001, 0b11011, 0b10101, 0b10101, 0b10001, 0b10001, 0b10001]),
    (b'N', [0b10001, 0b11001, 0b10101, 0b10011, 0b10001, 0b10001, 0b10001]),
    (b'O', [0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    (b'P', [0b11110, 0b10001, 0b10001, 0b11110, 0b10000, 0b10000, 0b10000]),
    (b'Q', [0b01110, 0b10001, 0b10001, 0b10001, 0b10101, 0b10010, 0b01101]),
    (b'R', [0b11110, 0b10001, 0b10001, 0b11110, 0b10100, 0b10010, 0b10001]),
    (b'S', [0b01111, 0b10000, 0b10000, 0b01110, 0b00001, 0b00001, 0b11110]),
    (b'T', [0b11111, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100, 0b00100]),
    (b'U', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110]),
    (b'V', [0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01010, 0b00100]),
    (b'W', [0b10001, 0b10001, 0b10001, 0b10101, 0b10101, 0b11011, 0b10001]),
    (b'X', [0b10001, 0b10001, 0b01010, 0b00100, 0b01010, 0b10001, 0b10001]),
    (b'Y', [0b10001, 0b10001, 0b01010, 0b00100, 0b00100, 0b00100, 0b00100]),
    (b'Z', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b10000, 0b11111]),
    (b'0', [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110]),
    (b'1', [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110]),
    (b'2', [0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111]),
    (b'3', [0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110]),
    (b'4', [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010]),
    (b'5', [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110]),
    (b'6', [0b01110, 0b10000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110]),
    (b'7', [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000]),
    (b'8', [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110]),
    (b'9', [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00001, 0b01110]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_small_and_another_one_when_somebody_is_free() {
        let (busy, free) = (Face::of("bob", "Bob Müller", false), Face::of("bob", "Bob Müller", true));
        assert_ne!(busy, free);
        for face in [busy, free, Face::of("x", "Œdipe Ürgüp", true), Face::of("kobayashi", "小林", false)] {
            let bytes = face.png().unwrap();
            assert!(bytes.len() < 3_000, "{} bytes", bytes.len());
            let reader = png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
            assert_eq!((reader.info().width, reader.info().height), (192, 192));
        }
    }

    #[test]
    fn initials_are_what_can_be_drawn() {
        for (name, drawn) in [
            ("Bob", Some(*b"B ")),
            ("ann b.", Some(*b"AB")),
            ("Łukasz Żak", Some(*b"LZ")),
            ("jean-luc picard", Some(*b"JL")),
            ("小林", None),
            ("☕ 7", Some(*b"7 ")),
        ] {
            assert_eq!(initials(name), drawn, "{name}");
        }
        assert_eq!(Face::of("kobayashi", "小林", true).initials, *b"K ");
    }
}
