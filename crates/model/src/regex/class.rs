//! Character classes of Go's syntax: named sets, Unicode properties, case folding.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, Hir, HirKind};

/// Characters under construction, as code points: Go's ranges may touch surrogates, which no text holds.
#[derive(Clone, Debug)]
pub(super) struct ClassBuilder {
    class: ClassUnicode,
}

impl ClassBuilder {
    pub(super) fn new() -> Self {
        Self { class: ClassUnicode::empty() }
    }

    /// Adds a range, with all that folds to its members when `fold` is set.
    pub(super) fn add_range(&mut self, low: u32, high: u32, fold: bool) {
        let mut part = ClassUnicode::new(scalar_range(low, high));
        if fold {
            fold_class(&mut part);
        }
        self.class.union(&part);
    }

    /// Adds a named set (or what is not in it). Folding comes before negation, as in Go.
    pub(super) fn add_set(&mut self, mut set: ClassUnicode, negated: bool, fold: bool) {
        if fold {
            fold_class(&mut set);
        }
        if negated {
            set.negate();
        }
        self.class.union(&set);
    }

    pub(super) fn finish(mut self, negated: bool) -> Hir {
        if negated {
            self.class.negate();
        }
        Hir::class(Class::Unicode(self.class))
    }
}

fn fold_class(class: &mut ClassUnicode) {
    class.try_case_fold_simple().expect("case folding tables are compiled in");
}

/// The range without the surrogates at its ends; those within are no characters to a class anyway.
fn scalar_range(low: u32, high: u32) -> Option<ClassUnicodeRange> {
    const SURROGATES: std::ops::RangeInclusive<u32> = 0xd800..=0xdfff;
    let low = if SURROGATES.contains(&low) { SURROGATES.end() + 1 } else { low };
    let high = if SURROGATES.contains(&high) { SURROGATES.start() - 1 } else { high };
    (low <= high).then(|| Some(ClassUnicodeRange::new(char::from_u32(low)?, char::from_u32(high)?))).flatten()
}

/// One character, or all that fold to it; none for a surrogate.
pub(super) fn literal(code: u32, fold: bool) -> Hir {
    match char::from_u32(code) {
        Some(c) if !fold => Hir::literal(c.encode_utf8(&mut [0; 4]).as_bytes()),
        _ => {
            let mut class = ClassBuilder::new();
            class.add_range(code, code, fold);
            class.finish(false)
        }
    }
}

/// `.`: any character, or any but a line feed.
pub(super) fn any(with_newline: bool) -> Hir {
    let mut class = ClassBuilder::new();
    if with_newline {
        class.add_range(0, 0x10ffff, false);
    } else {
        class.add_range(0, 0x9, false);
        class.add_range(0xb, 0x10ffff, false);
    }
    class.finish(false)
}

fn set(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|(low, high)| ClassUnicodeRange::new(*low, *high)))
}

/// `\d`, `\s`, `\w` and their opposites, which are ASCII.
pub(super) fn perl(letter: char) -> Option<(ClassUnicode, bool)> {
    let class = match letter.to_ascii_lowercase() {
        'd' => set(&[('0', '9')]),
        's' => set(&[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')]),
        'w' => set(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        _ => return None,
    };
    Some((class, letter.is_ascii_uppercase()))
}

/// The set of `[:name:]`.
pub(super) fn posix(name: &str) -> Option<ClassUnicode> {
    Some(match name {
        "alnum" => set(&[('0', '9'), ('A', 'Z'), ('a', 'z')]),
        "alpha" => set(&[('A', 'Z'), ('a', 'z')]),
        "ascii" => set(&[('\0', '\x7f')]),
        "blank" => set(&[('\t', '\t'), (' ', ' ')]),
        "cntrl" => set(&[('\0', '\x1f'), ('\x7f', '\x7f')]),
        "digit" => set(&[('0', '9')]),
        "graph" => set(&[('!', '~')]),
        "lower" => set(&[('a', 'z')]),
        "print" => set(&[(' ', '~')]),
        "punct" => set(&[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')]),
        "space" => set(&[('\t', '\r'), (' ', ' ')]),
        "upper" => set(&[('A', 'Z')]),
        "word" => set(&[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')]),
        "xdigit" => set(&[('0', '9'), ('A', 'F'), ('a', 'f')]),
        _ => return None,
    })
}

/// The set of `\p{name}`: general categories by their short names, scripts by their full ones.
///
/// Go has two spellings: Prometheus's matchers take names exactly as written here, while relabelling takes them in any case, without regard
/// to spaces, hyphens and underscores, and knows the long names of the categories as well (`loose`).
pub(super) fn unicode(name: &str, loose: bool) -> Option<ClassUnicode> {
    let found = |known: &str| if loose { bare(known) == bare(name) } else { known == name };
    if found("Any") {
        return Some(set(&[('\0', '\u{10ffff}')]));
    }
    if found("Cs") || (loose && found("Surrogate")) {
        // No text holds a surrogate.
        return Some(ClassUnicode::empty());
    }
    let property = if let Some(category) = CATEGORIES.split(' ').find(|c| found(c)) {
        format!(r"\p{{gc={category}}}")
    } else if let Some(script) = SCRIPTS.split_ascii_whitespace().find(|s| found(s)) {
        format!(r"\p{{sc={script}}}")
    } else if loose && found("ASCII") {
        return Some(set(&[('\0', '\x7f')]));
    } else if loose && found("Assigned") {
        r"\P{gc=Cn}".to_owned()
    } else if let Some(category) = LONG_CATEGORIES.split_ascii_whitespace().find(|c| loose && found(c)) {
        format!(r"\p{{gc={category}}}")
    } else {
        return None;
    };
    match regex_syntax::parse(&property).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

/// A name without what the loose spelling ignores.
fn bare(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).map(|c| c.to_ascii_lowercase()).collect()
}

const LONG_CATEGORIES: &str = "Cased_Letter Close_Punctuation Combining_Mark Connector_Punctuation Control
Currency_Symbol Dash_Punctuation Decimal_Number Enclosing_Mark Final_Punctuation Format Initial_Punctuation Letter
Letter_Number Line_Separator Lowercase_Letter Mark Math_Symbol Modifier_Letter Modifier_Symbol Nonspacing_Mark Number
Open_Punctuation Other Other_Letter Other_Number Other_Punctuation Other_Symbol Paragraph_Separator Private_Use
Punctuation Separator Space_Separator Spacing_Mark Symbol Titlecase_Letter Unassigned Uppercase_Letter cntrl digit punct";

const CATEGORIES: &str =
    "C Cc Cf Cn Co L LC Ll Lm Lo Lt Lu M Mc Me Mn N Nd Nl No P Pc Pd Pe Pf Pi Po Ps S Sc Sk Sm So Z Zl Zp Zs";

/// The script names of Unicode 15.0, which Go's tables have.
const SCRIPTS: &str = "
Adlam Ahom Anatolian_Hieroglyphs Arabic Armenian Avestan Balinese Bamum Bassa_Vah Batak Bengali
Bhaiksuki Bopomofo Brahmi Braille Buginese Buhid Canadian_Aboriginal Carian Caucasian_Albanian
Chakma Cham Cherokee Chorasmian Common Coptic Cuneiform Cypriot Cypro_Minoan Cyrillic Deseret
Devanagari Dives_Akuru Dogra Duployan Egyptian_Hieroglyphs Elbasan Elymaic Ethiopic Georgian
Glagolitic Gothic Grantha Greek Gujarati Gunjala_Gondi Gurmukhi Han Hangul Hanifi_Rohingya Hanunoo
Hatran Hebrew Hiragana Imperial_Aramaic Inherited Inscriptional_Pahlavi Inscriptional_Parthian
Javanese Kaithi Kannada Katakana Kawi Kayah_Li Kharoshthi Khitan_Small_Script Khmer Khojki
Khudawadi Lao Latin Lepcha Limbu Linear_A Linear_B Lisu Lycian Lydian Mahajani Makasar Malayalam
Mandaic Manichaean Marchen Masaram_Gondi Medefaidrin Meetei_Mayek Mende_Kikakui Meroitic_Cursive
Meroitic_Hieroglyphs Miao Modi Mongolian Mro Multani Myanmar Nabataean Nag_Mundari Nandinagari
New_Tai_Lue Newa Nko Nushu Nyiakeng_Puachue_Hmong Ogham Ol_Chiki Old_Hungarian Old_Italic
Old_North_Arabian Old_Permic Old_Persian Old_Sogdian Old_South_Arabian Old_Turkic Old_Uyghur Oriya
Osage Osmanya Pahawh_Hmong Palmyrene Pau_Cin_Hau Phags_Pa Phoenician Psalter_Pahlavi Rejang Runic
Samaritan Saurashtra Sharada Shavian Siddham SignWriting Sinhala Sogdian Sora_Sompeng Soyombo
Sundanese Syloti_Nagri Syriac Tagalog Tagbanwa Tai_Le Tai_Tham Tai_Viet Takri Tamil Tangsa Tangut
Telugu Thaana Thai Tibetan Tifinagh Tirhuta Toto Ugaritic Vai Vithkuqi Wancho Warang_Citi Yezidi Yi
Zanabazar_Square";
