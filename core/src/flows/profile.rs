//! One's own card. Texts are checked once, here; a wrong field is named.

use super::Me;
use crate::desk::Desk;
use crate::kit::text;
use crate::parts::Parts;
use crate::row::Row;
use crate::wire::{Card, Done, Patch, ProfilePatch, Reason};
use alloc::string::String;

/// The longest name, in characters after cleaning.
const NAME_MAX: usize = 40;
/// The most tags of a card.
const TAGS_MAX: usize = 8;
/// The most bytes of a card's texts.
const CARD_MAX_BYTES: usize = 512;

/// A name that may be shown.
///
/// # Errors
/// `BadMessage` – empty or too long after cleaning.
pub fn name(given: &str) -> Result<String, Reason> {
    let cleaned = text::clean_name(given);
    if (1..=NAME_MAX).contains(&text::length(&cleaned)) {
        Ok(cleaned)
    } else {
        Err(Reason::field("name", "1 to 40 characters after cleaning"))
    }
}

/// One of the operator's genders.
///
/// # Errors
/// `BadMessage` – none of them.
pub fn gender(desk: &Desk, given: &str) -> Result<String, Reason> {
    if desk.rules.genders.iter().any(|known| known == given) {
        Ok(given.into())
    } else {
        Err(Reason::field("gender", "one of profile.genders"))
    }
}

fn patched(old: &str, patch: &Patch<String>, read: impl Fn(&str) -> Result<String, Reason>) -> Result<String, Reason> {
    match patch {
        Patch::Clear => Ok(String::new()),
        Patch::Keep => Ok(old.into()),
        Patch::Set(new) => read(new),
    }
}

fn reference(field: &'static str) -> impl Fn(&str) -> Result<String, Reason> {
    move |given| if text::is_reference(given) { Ok(given.into()) } else { Err(Reason::field(field, "1 to 64 of [A-Za-z0-9._/-]")) }
}

/// `profile` and `PATCH /v1/me`.
pub fn edit(parts: &mut Parts, desk: &mut Desk, me: Me, patch: &ProfilePatch) -> Result<Done, Reason> {
    let old = parts.people.card(me.user).clone();
    if patch.name == Patch::Clear {
        return Err(Reason::field("name", "a name cannot be empty"));
    }
    let tags = match &patch.tags {
        Patch::Clear => [].into(),
        Patch::Keep => old.tags.clone(),
        Patch::Set(tags) if tags.len() <= TAGS_MAX && tags.iter().all(|tag| text::is_tag(tag)) => tags.clone(),
        Patch::Set(_) => return Err(Reason::field("tags", "at most 8 of [a-z0-9:_-]{1,32}")),
    };
    let card = Card {
        user: old.user,
        name: patched(&old.name, &patch.name, name)?,
        gender: patched(&old.gender, &patch.gender, |given| gender(desk, given))?,
        selfie: patched(&old.selfie, &patch.selfie, reference("selfie"))?,
        video: patched(&old.video, &patch.video, reference("video"))?,
        tags,
    };
    let texts = [&card.name, &card.gender, &card.selfie, &card.video];
    let bytes: usize = texts.into_iter().chain(&card.tags).map(String::len).sum();
    if bytes > CARD_MAX_BYTES {
        return Err(Reason::field("tags", "a card has at most 512 bytes"));
    }
    if card != *old {
        desk.may_record()?;
        parts.people.set_card(me.user, card);
        desk.record(Row::Person(parts.people.row(me.user)));
        desk.redraw(me.user);
    }
    Ok(Done::Profile { user: parts.people.card(me.user).clone() })
}
