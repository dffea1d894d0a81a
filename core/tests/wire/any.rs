//! Any message at all: of every kind, with texts of any characters and numbers up to what the wire can carry.

use crate::samples;
use duologue_core::kit::ids::{CallId, ClientId, InviteId, MAX_INTEGER, PairId, UserId};
use duologue_core::kit::time::{Millis, Span};
use duologue_core::wire::*;
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use std::borrow::Cow;
use std::sync::Arc;

fn integer() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![0..10_u64, 0..=MAX_INTEGER, Just(MAX_INTEGER)]
}

fn at() -> impl Strategy<Value = Millis> + Clone {
    integer().prop_map(Millis)
}

fn text() -> impl Strategy<Value = String> {
    vec(any::<char>(), 0..12).prop_map(|text| text.into_iter().collect())
}

fn tag() -> impl Strategy<Value = String> {
    "[a-z0-9:_-]{1,32}"
}

fn user() -> impl Strategy<Value = UserId> {
    any::<u128>().prop_map(UserId)
}

fn call() -> impl Strategy<Value = CallId> {
    integer().prop_map(CallId)
}

fn invite() -> impl Strategy<Value = InviteId> {
    integer().prop_map(InviteId)
}

fn pair() -> impl Strategy<Value = PairId> {
    integer().prop_map(PairId)
}

fn filter() -> impl Strategy<Value = Filter> {
    (vec("[a-z]{1,32}", 0..=8), vec(tag(), 0..=8)).prop_map(|(genders, tags)| Filter { genders, tags })
}

fn contacts() -> impl Strategy<Value = Vec<(String, String)>> {
    let key = vec(any::<char>(), 1..6).prop_map(|key| key.into_iter().collect::<String>());
    btree_map(key, text(), 1..=10).prop_map(|contacts| contacts.into_iter().collect())
}

fn description() -> impl Strategy<Value = Description> {
    let kind = select(vec![SdpKind::Answer, SdpKind::Offer]);
    (call(), any::<u32>(), kind, text()).prop_map(|(call, epoch, kind, sdp)| Description { call, epoch, kind, sdp })
}

fn candidates() -> impl Strategy<Value = Candidates> {
    let candidate = (text(), option::of(text()), option::of(any::<u32>()));
    let candidate = candidate.prop_map(|(candidate, mid, line)| Candidate { candidate, mid, line });
    (call(), any::<u32>(), any::<u32>(), vec(candidate, 0..4), any::<bool>()).prop_map(|(call, epoch, from, candidates, done)| Candidates {
        call,
        epoch,
        from,
        candidates,
        done,
    })
}

fn patch<T: Clone + std::fmt::Debug + 'static>(value: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Patch<T>> {
    prop_oneof![Just(Patch::Clear), Just(Patch::Keep), value.prop_map(Patch::Set)].boxed()
}

fn profile() -> impl Strategy<Value = ProfilePatch> {
    let reference = "[A-Za-z0-9._/-]{1,64}";
    (patch(text()), patch(text()), patch(reference), patch(reference), patch(vec(tag(), 0..=8)))
        .prop_map(|(name, gender, selfie, video, tags)| ProfilePatch { name, gender, selfie, video, tags })
}

fn command() -> BoxedStrategy<Command> {
    let (seconds, flag) = (any::<u32>(), any::<bool>());
    prop_oneof![
        select(samples::commands().into_iter().map(|(_, command)| command).collect::<Vec<_>>()),
        (invite(), seconds).prop_map(|(invite, seconds)| Command::Accept { invite, seconds }),
        (user(), seconds).prop_map(|(to, seconds)| Command::Invite { to, seconds }),
        (call(), text()).prop_map(|(call, text)| Command::Chat { call, text }),
        (call(), seconds).prop_map(|(call, seconds)| Command::ExtendCall { call, seconds }),
        pair().prop_map(|pair| Command::Confirm { pair }),
        integer().prop_map(|notification| Command::Read { notification }),
        description().prop_map(Command::Description),
        candidates().prop_map(Command::Candidates),
        (filter(), flag).prop_map(|(filter, confirm)| Command::Pair { filter, confirm }),
        (1..=u32::MAX, filter(), flag).prop_map(|(limit, filter, restart)| Command::Reel { limit, filter, restart }),
        (any::<u32>(), filter()).prop_map(|(size, filter)| Command::Window { size, filter }),
        profile().prop_map(|patch| Command::Profile(Box::new(patch))),
        (user(), text(), option::of(call())).prop_map(|(user, reason, call)| Command::Report { user, reason, call }),
        (call(), contacts()).prop_map(|(call, contacts)| Command::Share { call, contacts }),
        option::of("[a-z0-9_-]{1,32}").prop_map(|lobby| Command::Join { lobby }),
    ]
    .boxed()
}

pub fn client() -> BoxedStrategy<ClientMessage> {
    let resume = (text(), integer(), option::of(integer())).prop_map(|(token, seq, window)| Resume { token, seq, window });
    let client = option::of(any::<u128>().prop_map(ClientId));
    let hello = (text(), client, option::of(resume), any::<bool>(), any::<u32>());
    let hello = hello.prop_map(|(token, client, resume, exclusive, sdp)| Hello { token, client, resume, exclusive, sdp });
    prop_oneof![
        4 => (1..=MAX_INTEGER, command()).prop_map(|(id, command)| ClientMessage::Command { id, command }),
        1 => hello.prop_map(ClientMessage::Hello),
        1 => integer().prop_map(|seq| ClientMessage::Ack { seq }),
    ]
    .boxed()
}

fn card() -> impl Strategy<Value = Arc<Card>> {
    (user(), text(), text(), text(), text(), vec(text(), 0..3))
        .prop_map(|(user, name, gender, selfie, video, tags)| Arc::new(Card { user, name, gender, selfie, video, tags }))
}

fn marks() -> impl Strategy<Value = Marks> {
    (option::of(at()), option::of(text())).prop_map(|(cooldown_until, introduced_by)| Marks { cooldown_until, introduced_by })
}

fn places(emptied: bool) -> BoxedStrategy<Vec<Place>> {
    let who = (card(), marks());
    let content = if emptied { option::of(who).boxed() } else { who.prop_map(Some).boxed() };
    vec((any::<u8>(), content), 0..4).boxed()
}

fn started() -> impl Strategy<Value = CallStarted> {
    (call(), card(), any::<u32>(), (at(), at(), at()), any::<bool>(), any::<u32>(), any::<bool>()).prop_map(
        |(call, peer, seconds, (started, deadline, now), initiator, epoch, here)| CallStarted {
            call,
            peer,
            seconds,
            started,
            deadline,
            now,
            initiator,
            epoch,
            here,
        },
    )
}

fn pair_state() -> impl Strategy<Value = PairState> {
    (pair(), card(), any::<u32>(), at()).prop_map(|(pair, with, seconds, expires)| PairState { pair, with, seconds, expires })
}

fn notice() -> impl Strategy<Value = Notice> {
    (integer(), text(), option::of(card()), option::of(text()), at()).prop_map(|(notification, kind, about, by, at)| Notice {
        notification,
        kind,
        about,
        by,
        at,
    })
}

fn state() -> impl Strategy<Value = State> {
    let invite = (invite(), any::<bool>(), card(), any::<u32>(), at());
    let invite = invite.prop_map(|(invite, out, card, seconds, expires)| InviteState { invite, out, card, seconds, expires });
    let ticket = (at(), filter(), any::<bool>()).prop_map(|(since, filter, confirm)| TicketState { since, filter, confirm });
    let call = (started(), any::<u32>(), option::of(at()));
    let call = call.prop_map(|(started, extensions_left, peer_lost_until)| CallState { started, extensions_left, peer_lost_until });
    let lobby = option::of(text());
    (lobby, option::of(any::<u32>()), vec(invite, 0..3), option::of(ticket), option::of(pair_state()), option::of(call), any::<u32>())
        .prop_map(|(lobby, window, invites, ticket, pair, call, unread)| State { lobby, window, invites, ticket, pair, call, unread })
}

fn welcome() -> impl Strategy<Value = ServerMessage> {
    (card(), text(), any::<bool>(), at(), integer(), integer(), integer(), text(), state()).prop_map(
        |(user, resume, recovered, now, seq, last_id, grace, media_base, state)| {
            let grace = Span(grace);
            ServerMessage::Welcome(Box::new(Welcome { user, resume, recovered, now, seq, last_id, grace, media_base, state }))
        },
    )
}

fn event() -> BoxedStrategy<Event> {
    let totals = (integer(), integer(), integer()).prop_map(|(seconds, calls, completed)| Totals { seconds, calls, completed });
    let why = select(Why::ALL.to_vec());
    let ended = (call(), why.clone(), integer(), at(), totals);
    let ended = ended.prop_map(|(call, why, seconds, cooldown_until, totals)| CallEnded { call, why, seconds, cooldown_until, totals });
    prop_oneof![
        select(samples::events()),
        ended.prop_map(|ended| Event::CallEnded(Box::new(ended))),
        started().prop_map(|call| Event::CallStarted(Box::new(call))),
        candidates().prop_map(|candidates| Event::Candidates(Box::new(candidates))),
        description().prop_map(|description| Event::Description(Box::new(description))),
        (call(), user(), text(), at()).prop_map(|(call, from, text, at)| Event::Chat { call, from, text, at }),
        (invite(), why, option::of(at())).prop_map(|(invite, why, cooldown_until)| Event::InviteEnded { invite, why, cooldown_until }),
        (invite(), card(), any::<u32>(), at()).prop_map(|(invite, from, seconds, expires)| Event::Rang { invite, from, seconds, expires }),
        notice().prop_map(|notice| Event::Notified(Box::new(notice))),
        pair_state().prop_map(|pair| Event::Paired(Box::new(pair))),
        (call(), contacts()).prop_map(|(call, contacts)| Event::Shared { call, contacts }),
    ]
    .boxed()
}

fn done() -> BoxedStrategy<Done> {
    let server = (vec(text(), 0..3), option::of(text()), option::of(text()));
    let server = server.prop_map(|(urls, username, credential)| IceServer { urls, username, credential });
    let rule = (text(), any::<bool>(), option::of(at())).prop_map(|(rule, passes, until)| Rule { rule, passes, until });
    prop_oneof![
        select(samples::dones().into_iter().map(|(_, done)| done).collect::<Vec<_>>()),
        (vec((card(), marks()), 0..3), any::<bool>()).prop_map(|(cards, more)| Done::Cards { cards, more }),
        (vec(server, 0..3), at()).prop_map(|(servers, expires)| Done::IceServers { servers, expires }),
        vec(rule, 0..4).prop_map(|rules| Done::Explained { rules }),
        (text(), at()).prop_map(|(code, expires)| Done::Code { code, expires }),
        (invite(), at()).prop_map(|(invite, expires)| Done::Invited { invite, expires }),
        card().prop_map(|user| Done::Profile { user }),
        text().prop_map(|lobby| Done::Joined { lobby }),
    ]
    .boxed()
}

fn reason() -> BoxedStrategy<Reason> {
    let bad = (option::of(text()), text());
    prop_oneof![
        select(samples::reasons()),
        bad.prop_map(|(field, why)| Reason::BadMessage { field: field.map(Cow::Owned), why: Cow::Owned(why) }),
        at().prop_map(|until| Reason::Cooldown { until }),
        integer().prop_map(|retry_after| Reason::RateLimited { retry_after: Span(retry_after) }),
    ]
    .boxed()
}

fn view() -> BoxedStrategy<View> {
    let presence = (user(), select(Presence::ALL.to_vec()));
    prop_oneof![
        presence.prop_map(|(user, state)| View::Presence { user, state }),
        (integer(), any::<u32>(), places(false), any::<u32>()).prop_map(|(version, size, places, available)| View::Window {
            version,
            size,
            places,
            available
        }),
        (integer(), places(true), option::of(any::<u32>())).prop_map(|(version, set, available)| View::WindowDelta {
            version,
            set,
            available
        }),
    ]
    .boxed()
}

pub fn server() -> BoxedStrategy<ServerMessage> {
    let why = option::of(vec(any::<char>(), 1..12).prop_map(|why| why.into_iter().collect::<String>()));
    let closing = (select(Closing::ALL.to_vec()), option::of(integer().prop_map(Span)), why);
    prop_oneof![
        4 => (integer(), event()).prop_map(|(seq, event)| ServerMessage::Event { seq, event }),
        3 => (integer(), done()).prop_map(|(re, done)| ServerMessage::Ok { re, done }),
        2 => (integer(), reason()).prop_map(|(re, reason)| ServerMessage::No { re, reason }),
        2 => view().prop_map(ServerMessage::View),
        2 => welcome(),
        1 => closing.prop_map(|(closing, retry_after, why)| ServerMessage::Closing { closing, retry_after, why }),
    ]
    .boxed()
}
