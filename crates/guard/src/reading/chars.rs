//! What single characters are: invisible, digits of other scripts, letters in another dress.

use super::Made;

/// Characters that are not seen: the default-ignorable ones (`DerivedCoreProperties.txt`), among
/// them the marks of direction, the tags and the variation selectors.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(
        u32::from(c),
        0xAD | 0x34F
            | 0x61C
            | 0x115F..=0x1160
            | 0x17B4..=0x17B5
            | 0x180B..=0x180F
            | 0x200B..=0x200F
            | 0x202A..=0x202E
            | 0x2060..=0x206F
            | 0x3164
            | 0xFE00..=0xFE0F
            | 0xFEFF
            | 0xFFA0
            | 0xFFF0..=0xFFF8
            | 0x1_BCA0..=0x1_BCA3
            | 0x1_D173..=0x1_D17A
            | 0xE_0000..=0xE_0FFF
    )
}

/// The zeros of the scripts whose digits follow each other (`Nd` of `UnicodeData.txt`), without
/// ASCII and what NFKC makes ASCII.
const ZEROS: &[u32] = &[
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6,
    0xE50, 0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50,
    0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0x1_04A0,
    0x1_0D30, 0x1_0D40, 0x1_1066, 0x1_10F0, 0x1_1136, 0x1_11D0, 0x1_12F0, 0x1_1450, 0x1_14D0,
    0x1_1650, 0x1_16C0, 0x1_16D0, 0x1_16DA, 0x1_1730, 0x1_18E0, 0x1_1950, 0x1_1BF0, 0x1_1C50,
    0x1_1D50, 0x1_1DA0, 0x1_1F50, 0x1_6130, 0x1_6A60, 0x1_6AC0, 0x1_6B50, 0x1_6D70, 0x1_E140,
    0x1_E2F0, 0x1_E4F0, 0x1_E5F1, 0x1_E950,
];

/// The ASCII digit that a decimal digit of another script is.
pub(crate) fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let zero = ZEROS.get(ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?)?;
    char::from_digit(code - zero, 10)
}

/// The letter that a character shows without belonging to any language's writing: small capitals,
/// squared, circled and flag letters that have no decomposition.
pub(crate) fn undressed(c: char) -> Option<char> {
    const SMALL: &str = "ᴀaʙbᴄcᴅdᴇeꜰfɢgʜhɪiᴊjᴋkʟlᴍmɴnᴏoᴘpꞯqʀrꜱsᴛtᴜuᴠvᴡwʏyᴢzɑaɡgıiȷj";
    let code = u32::from(c);
    let letter = |first: u32| {
        let place = u8::try_from(code - first).ok().filter(|place| *place < 26)?;
        Some(char::from(b'A' + place))
    };
    match code {
        0x1_F150..=0x1_F169 => letter(0x1_F150),
        0x1_F170..=0x1_F189 => letter(0x1_F170),
        0x1_F1E6..=0x1_F1FF => letter(0x1_F1E6),
        0x131 | 0x237 | 0x250..=0x2AF | 0x1D00..=0x1D2B | 0xA730..=0xA7AF => pair(SMALL, c),
        _ => None,
    }
}

/// The character that stands behind `c` in a list of pairs.
pub(crate) fn pair(pairs: &str, c: char) -> Option<char> {
    let mut characters = pairs.chars();
    while let (Some(key), Some(value)) = (characters.next(), characters.next()) {
        if key == c {
            return Some(value);
        }
    }
    None
}

/// What invisible characters spell: tags the ASCII they are copies of, variation selectors bytes.
pub(super) fn hidden(text: &str) -> Option<Made> {
    // Tags and the supplement of selectors begin with F3, the first sixteen selectors with EF B8.
    let bytes = text.as_bytes();
    memchr::memchr2(0xF3, 0xEF, bytes)?;
    let mut made = Made::default();
    let mut spelt: Vec<u8> = Vec::new();
    let mut source = 0..0;
    let flush = |spelt: &mut Vec<u8>, source: std::ops::Range<usize>, made: &mut Made| {
        // One selector alone is how emoji are written.
        if spelt.len() > 1
            && let Ok(text) = std::str::from_utf8(spelt)
        {
            made.put(text, source);
        }
        spelt.clear();
    };
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let selector = match u32::from(c) {
            code @ 0xE_0020..=0xE_007E => {
                flush(&mut spelt, source.clone(), &mut made);
                made.put_char(char::from_u32(code - 0xE_0000).unwrap_or(' '), at..end);
                continue;
            }
            code @ 0xFE00..=0xFE0F => Some(code - 0xFE00),
            code @ 0xE_0100..=0xE_01EF => Some(code - 0xE_0100 + 16),
            _ => None,
        };
        if let Some(byte) = selector.and_then(|byte| u8::try_from(byte).ok()) {
            if spelt.is_empty() {
                source = at..end;
            }
            source.end = end;
            spelt.push(byte);
        } else if !spelt.is_empty() {
            flush(&mut spelt, source.clone(), &mut made);
        }
    }
    flush(&mut spelt, source, &mut made);
    let says = made.text.chars().filter(|c| c.is_alphanumeric()).count();
    (says > 1).then_some(made)
}
