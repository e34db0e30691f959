//! The language a text is written in, by its letters and trigrams.

use whatlang::{Lang, detect as guess};

/// Fewest bytes that a guess is made for.
const LEAST: usize = 80;

/// Bytes looked at: more make no difference.
const SAMPLE: usize = 4 * 1024;

/// The language of a text, where it is long enough and the guess is sure.
#[must_use]
pub fn detect(text: &str) -> Option<String> {
    if text.len() < LEAST {
        return None;
    }
    // The middle of a page is less likely to be menus.
    let start = text.floor_char_boundary(text.len().saturating_sub(SAMPLE) / 2);
    let end = text.floor_char_boundary((start + SAMPLE).min(text.len()));
    let found = guess(&text[start..end])?;
    found.is_reliable().then(|| code(found.lang()).to_owned())
}

/// The code of ISO 639-1; every language that is told apart has one.
const fn code(lang: Lang) -> &'static str {
    match lang {
        Lang::Afr => "af",
        Lang::Aka => "ak",
        Lang::Amh => "am",
        Lang::Ara => "ar",
        Lang::Aze => "az",
        Lang::Bel => "be",
        Lang::Ben => "bn",
        Lang::Bul => "bg",
        Lang::Cat => "ca",
        Lang::Ces => "cs",
        Lang::Cmn => "zh",
        Lang::Cym => "cy",
        Lang::Dan => "da",
        Lang::Deu => "de",
        Lang::Ell => "el",
        Lang::Eng => "en",
        Lang::Epo => "eo",
        Lang::Est => "et",
        Lang::Fin => "fi",
        Lang::Fra => "fr",
        Lang::Guj => "gu",
        Lang::Heb => "he",
        Lang::Hin => "hi",
        Lang::Hrv => "hr",
        Lang::Hun => "hu",
        Lang::Hye => "hy",
        Lang::Ind => "id",
        Lang::Ita => "it",
        Lang::Jav => "jv",
        Lang::Jpn => "ja",
        Lang::Kan => "kn",
        Lang::Kat => "ka",
        Lang::Khm => "km",
        Lang::Kor => "ko",
        Lang::Lat => "la",
        Lang::Lav => "lv",
        Lang::Lit => "lt",
        Lang::Mal => "ml",
        Lang::Mar => "mr",
        Lang::Mkd => "mk",
        Lang::Mya => "my",
        Lang::Nep => "ne",
        Lang::Nld => "nl",
        Lang::Nob => "nb",
        Lang::Ori => "or",
        Lang::Pan => "pa",
        Lang::Pes => "fa",
        Lang::Pol => "pl",
        Lang::Por => "pt",
        Lang::Ron => "ro",
        Lang::Rus => "ru",
        Lang::Sin => "si",
        Lang::Slk => "sk",
        Lang::Slv => "sl",
        Lang::Sna => "sn",
        Lang::Spa => "es",
        Lang::Srp => "sr",
        Lang::Swe => "sv",
        Lang::Tam => "ta",
        Lang::Tel => "te",
        Lang::Tgl => "tl",
        Lang::Tha => "th",
        Lang::Tuk => "tk",
        Lang::Tur => "tr",
        Lang::Ukr => "uk",
        Lang::Urd => "ur",
        Lang::Uzb => "uz",
        Lang::Vie => "vi",
        Lang::Yid => "yi",
        Lang::Zul => "zu",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages() {
        for (text, expected) in [
            (
                "The quick brown fox jumps over the lazy dog, and then it goes home to sleep until the morning comes again.",
                Some("en"),
            ),
            (
                "Der schnelle braune Fuchs springt über den faulen Hund und geht danach nach Hause, um bis zum Morgen zu schlafen.",
                Some("de"),
            ),
            (
                "Быстрая коричневая лиса прыгает через ленивую собаку, а потом идёт домой спать до самого утра.",
                Some("ru"),
            ),
            ("short", None),
            ("1234567890 ".repeat(20).as_str(), None),
        ] {
            assert_eq!(detect(text).as_deref(), expected, "{text}");
        }
    }
}
