//! Names and descriptions as administrators write them, in several scripts.

use super::Rng;

const SCOPES: [&str; 14] = [
    "WIN",
    "iOS",
    "macOS",
    "AND",
    "Corp",
    "Kiosk",
    "Zürich",
    "São Paulo",
    "Łódź",
    "東京本社",
    "Київ",
    "الرياض",
    "Ελλάδα",
    "BYOD",
];
const SUBJECTS: [&str; 18] = [
    "Baseline",
    "BitLocker",
    "Defender",
    "Firewall",
    "Update Ring",
    "Wi-Fi",
    "VPN “Always On”",
    "Edge & Chrome",
    "OneDrive KFM",
    "Passcode",
    "Local Admins (LAPS)",
    "Restrictions",
    "Certificates",
    "Teams Rooms",
    "Hello for Business",
    "Compliance – strict",
    "設定プロファイル",
    "سياسة الأجهزة",
];
const RINGS: [&str; 7] = [
    "Pilot",
    "Production",
    "Ring 1",
    "Ring 2",
    "Test 🚀",
    "v2.1",
    "do\u{200b}not\u{200b}touch",
];
const DESCRIPTIONS: [&str; 6] = [
    "Managed by the workplace team.",
    "See change CHG-2041 before editing.",
    "Genehmigt durch die IT-Sicherheit.\nNicht ändern.",
    "Imported from the old console",
    "Only for \"shared\" devices & labs <test>",
    "担当: 情報システム部",
];

/// A name. The number is part of it, so that names are mostly unique, as in reality.
pub(super) fn name(rng: &mut Rng, serial: u32) -> String {
    let scope = rng.pick(&SCOPES);
    let subject = rng.pick(&SUBJECTS);
    let ring = rng.pick(&RINGS);
    let number = serial + 1;
    let mut name = format!("{scope} - {subject} - {ring} {number:04}");
    if rng.percent(2) {
        name.push_str(" - a name that somebody kept adding to".repeat(4).as_str());
    }
    name
}

/// A group's name.
pub(super) fn group_name(rng: &mut Rng, serial: u32) -> String {
    let scope = rng.pick(&SCOPES);
    let subject = rng.pick(&[
        "Users",
        "Devices",
        "Admins",
        "Pilot",
        "Exclusions",
        "Frontline",
    ]);
    let number = serial + 1;
    format!("sg-{scope}-{subject}-{number:05}")
}

/// A description, or none.
pub(super) fn description(rng: &mut Rng) -> Option<&'static str> {
    match rng.below(10) {
        0..=3 => None,
        4 => Some(""),
        _ => Some(rng.pick(&DESCRIPTIONS)),
    }
}
