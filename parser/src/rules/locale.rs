//! How languages write numbers and dates.

/// A language, with a region where that matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Locale {
    /// Whether a comma parts whole and fraction.
    pub(super) decimal_comma: bool,
    /// The order of the numbers of a date.
    pub(super) order: DateOrder,
    /// The months, each with its other forms and short forms, parted by `|`.
    months: Option<&'static [&'static str; 12]>,
}

/// Which of three numbers is what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateOrder {
    Day,
    Month,
    Year,
}

/// The languages with names of months, by their tag.
const MONTHS: [(&str, [&str; 12]); 14] = [
    (
        "en",
        [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september|sept",
            "october",
            "november",
            "december",
        ],
    ),
    (
        "de",
        [
            "januar|jänner",
            "februar|feber",
            "märz|mrz",
            "april",
            "mai",
            "juni",
            "juli",
            "august",
            "september|sept",
            "oktober",
            "november",
            "dezember",
        ],
    ),
    (
        "fr",
        [
            "janvier",
            "février|fevrier",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet|juil",
            "août|aout",
            "septembre|sept",
            "octobre",
            "novembre",
            "décembre|decembre",
        ],
    ),
    (
        "es",
        [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre|setiembre|sept",
            "octubre",
            "noviembre",
            "diciembre",
        ],
    ),
    (
        "it",
        [
            "gennaio",
            "febbraio",
            "marzo",
            "aprile",
            "maggio",
            "giugno",
            "luglio",
            "agosto",
            "settembre|sett",
            "ottobre",
            "novembre",
            "dicembre",
        ],
    ),
    (
        "pt",
        [
            "janeiro",
            "fevereiro",
            "março|marco",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
    ),
    (
        "nl",
        [
            "januari",
            "februari",
            "maart|mrt",
            "april",
            "mei",
            "juni",
            "juli",
            "augustus",
            "september|sept",
            "oktober",
            "november",
            "december",
        ],
    ),
    (
        "pl",
        [
            "styczeń|stycznia",
            "luty|lutego",
            "marzec|marca",
            "kwiecień|kwietnia",
            "maj|maja",
            "czerwiec|czerwca",
            "lipiec|lipca",
            "sierpień|sierpnia",
            "wrzesień|września",
            "październik|października",
            "listopad|listopada",
            "grudzień|grudnia",
        ],
    ),
    (
        "cs",
        [
            "leden|ledna",
            "únor|února",
            "březen|března",
            "duben|dubna",
            "květen|května",
            "červen|června",
            "červenec|července",
            "srpen|srpna",
            "září",
            "říjen|října",
            "listopad|listopadu",
            "prosinec|prosince",
        ],
    ),
    (
        "sv",
        [
            "januari",
            "februari",
            "mars",
            "april",
            "maj",
            "juni",
            "juli",
            "augusti",
            "september|sept",
            "oktober",
            "november",
            "december",
        ],
    ),
    (
        "da",
        [
            "januar",
            "februar",
            "marts",
            "april",
            "maj",
            "juni",
            "juli",
            "august",
            "september|sept",
            "oktober",
            "november",
            "december",
        ],
    ),
    (
        "nb",
        [
            "januar",
            "februar",
            "mars",
            "april",
            "mai",
            "juni",
            "juli",
            "august",
            "september|sept",
            "oktober",
            "november",
            "desember",
        ],
    ),
    (
        "ru",
        [
            "январь|января",
            "февраль|февраля",
            "март|марта",
            "апрель|апреля",
            "май|мая",
            "июнь|июня",
            "июль|июля",
            "август|августа",
            "сентябрь|сентября",
            "октябрь|октября",
            "ноябрь|ноября",
            "декабрь|декабря",
        ],
    ),
    (
        "tr",
        [
            "ocak", "şubat", "mart", "nisan", "mayıs", "haziran", "temmuz", "ağustos", "eylül", "ekim",
            "kasım", "aralık",
        ],
    ),
];

/// Languages that write dates in numbers only, the year first.
const YEAR_FIRST: [&str; 4] = ["zh", "ja", "ko", "hu"];

/// For messages.
pub(super) const KNOWN: &str =
    "en, en-US, en-GB, de, de-CH, fr, es, it, pt, nl, pl, cs, sv, da, nb, ru, tr, zh, ja, ko, hu";

impl Locale {
    /// The locale of a tag such as `de` or `en-GB`.
    pub(super) fn named(tag: &str) -> Option<Self> {
        let tag = tag.replace('_', "-").to_ascii_lowercase();
        let (language, region) = tag.split_once('-').unwrap_or((&tag, ""));
        let months = MONTHS.iter().find(|(name, _)| *name == language).map(|(_, months)| months);
        if YEAR_FIRST.contains(&language) {
            let decimal_comma = language == "hu";
            return Some(Self { decimal_comma, order: DateOrder::Year, months: None });
        }
        let months = months?;
        let has_point = language == "en" || region == "ch" || tag == "es-mx";
        let order = match (language, region) {
            ("en", "" | "us" | "ph") => DateOrder::Month,
            ("sv", _) | ("en", "ca") => DateOrder::Year,
            _ => DateOrder::Day,
        };
        Some(Self { decimal_comma: !has_point, order, months: Some(months) })
    }

    /// The month of a name, from 1: a full name, or at least its first three letters.
    pub(super) fn month(locale: Option<Self>, word: &str) -> Option<i8> {
        let word = word.trim_end_matches('.').to_lowercase();
        let months = locale.map_or(Some(&MONTHS[0].1), |locale| locale.months)?;
        let found = |exact: bool| {
            months.iter().position(|forms| {
                forms.split('|').any(|form| {
                    form == word || !exact && word.chars().count() >= 3 && form.starts_with(&word)
                })
            })
        };
        let month = found(true).or_else(|| found(false))?;
        i8::try_from(month + 1).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_have_full_and_short_names() {
        for (tag, word, month) in [
            ("de", "März", Some(3)),
            ("de", "Mrz.", Some(3)),
            ("de", "Okt.", Some(10)),
            ("fr", "août", Some(8)),
            ("fr", "juin", Some(6)),
            ("fr", "juil.", Some(7)),
            ("cs", "červen", Some(6)),
            ("cs", "července", Some(7)),
            ("ru", "мая", Some(5)),
            ("en", "Sept", Some(9)),
            ("en", "Ma", None),
            ("ja", "march", None),
        ] {
            assert_eq!(Locale::month(Locale::named(tag), word), month, "{tag} {word}");
        }
        assert_eq!(Locale::month(None, "feb"), Some(2));
    }

    #[test]
    fn regions_matter() {
        assert_eq!(Locale::named("en-GB").unwrap().order, DateOrder::Day);
        assert_eq!(Locale::named("en_US").unwrap().order, DateOrder::Month);
        assert!(Locale::named("de").unwrap().decimal_comma);
        assert!(!Locale::named("de-CH").unwrap().decimal_comma);
        assert_eq!(Locale::named("xx"), None);
    }
}
