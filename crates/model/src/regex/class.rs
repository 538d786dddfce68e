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
        let mut part = ClassUnicode::new(scalar_ranges(low, high));
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

fn scalar_ranges(low: u32, high: u32) -> Vec<ClassUnicodeRange> {
    const BEFORE: u32 = 0xd7ff;
    const AFTER: u32 = 0xe000;
    [(low, high.min(BEFORE)), (low.max(AFTER), high)]
        .into_iter()
        .filter(|(low, high)| low <= high)
        .filter_map(|(low, high)| Some(ClassUnicodeRange::new(char::from_u32(low)?, char::from_u32(high)?)))
        .collect()
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

/// The set of `\p{name}`: the general categories by their short names and the scripts by their full ones, in exactly this spelling.
pub(super) fn unicode(name: &str) -> Option<ClassUnicode> {
    if name == "Any" {
        return Some(set(&[('\0', '\u{10ffff}')]));
    }
    if name == "Cs" {
        // Surrogates: no text holds one.
        return Some(ClassUnicode::empty());
    }
    let pattern = if CATEGORIES.split(' ').any(|c| c == name) {
        format!(r"\p{{gc={name}}}")
    } else if SCRIPTS.split_ascii_whitespace().any(|s| s == name) {
        format!(r"\p{{sc={name}}}")
    } else {
        return None;
    };
    match regex_syntax::parse(&pattern).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        _ => None,
    }
}

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
