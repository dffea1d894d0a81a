//! How descriptions and candidates are said: compactly (SIG 5) where the other one reads that, else as they are. One codec for each
//! epoch, as everything that is compact rests on what was said before in it. Who hears a plain description answers in plain words;
//! who is told that the other one does not read what is compact says the rest of the call in plain words, from a new epoch on.

use alloc::sync::Arc;
use core::fmt;
use duologue_core::kit::ids::CallId;
use duologue_core::wire::{Candidates, Description};
use duologue_signaling::compact::{Codec, Library, MARK, Unreadable, as_it_is};

type Epoch = Option<(CallId, u32)>;

/// How this client says descriptions and candidates.
#[derive(Clone, Default)]
pub(crate) struct Tongue {
    /// None: it speaks plainly only, and so is spoken to.
    library: Option<Arc<Library>>,
    codec: Option<Codec>,
    epoch: Epoch,
    /// What the other one reads, as far as is known.
    is_plain: bool,
    /// The call of which that is known for good.
    plain_call: Option<CallId>,
    has_spoken: bool,
}

impl fmt::Debug for Tongue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Tongue").field("epoch", &self.epoch).field("is_plain", &self.is_plain).finish_non_exhaustive()
    }
}

impl Tongue {
    /// `sdp` as `hello` says it.
    pub(crate) fn new(sdp: u32) -> Tongue {
        let library = (sdp > 0).then(Library::built_in).filter(|library| library.version() == sdp);
        Tongue { library: library.map(Arc::new), ..Tongue::default() }
    }

    /// The call is over.
    pub(crate) fn forget(&mut self) {
        *self = Tongue { library: self.library.take(), ..Tongue::default() };
    }

    /// Whether something compact was said in this epoch, so that a refusal may mean that the other one does not read it.
    pub(crate) fn has_spoken(&self) -> bool {
        self.has_spoken
    }

    /// The rest of the call is said in plain words; whether that is news.
    pub(crate) fn go_plain(&mut self) -> bool {
        let call = self.epoch.map(|(call, _)| call);
        let is_news = self.plain_call != call;
        (self.plain_call, self.is_plain) = (call, true);
        is_news
    }

    pub(crate) fn say_description(&mut self, epoch: Epoch, description: Description) -> Description {
        let Some((codec, is_plain)) = self.codec(epoch) else { return description };
        let sdp = if is_plain { as_it_is(&description.sdp) } else { codec.carry_description(&description.sdp) };
        self.has_spoken |= !is_plain;
        Description { sdp, ..description }
    }

    pub(crate) fn say_candidates(&mut self, epoch: Epoch, mut batch: Candidates) -> Candidates {
        let Some((codec, is_plain)) = self.codec(epoch) else { return batch };
        for candidate in &mut batch.candidates {
            if is_plain {
                candidate.candidate = as_it_is(&candidate.candidate);
            } else {
                *candidate = codec.carry_candidate(candidate);
            }
        }
        batch
    }

    pub(crate) fn hear_description(&mut self, epoch: Epoch, description: Description) -> Result<Description, Unreadable> {
        let has_spoken = self.has_spoken;
        let Some((codec, _)) = self.codec(epoch) else { return Ok(description) };
        let sdp = codec.open_description(&description.sdp)?;
        self.is_plain |= !has_spoken && !description.sdp.starts_with(MARK);
        Ok(Description { sdp, ..description })
    }

    pub(crate) fn hear_candidates(&mut self, epoch: Epoch, mut batch: Candidates) -> Result<Candidates, Unreadable> {
        let Some((codec, _)) = self.codec(epoch) else { return Ok(batch) };
        for candidate in &mut batch.candidates {
            *candidate = codec.open_candidate(candidate.clone())?;
        }
        Ok(batch)
    }

    /// The codec of this epoch, and whether it is not to be used for what is said.
    fn codec(&mut self, epoch: Epoch) -> Option<(&mut Codec, bool)> {
        let library = self.library.as_ref()?;
        if self.epoch != epoch || self.codec.is_none() {
            self.epoch = epoch;
            self.codec = Some(Codec::new(library.clone()));
            self.has_spoken = false;
            self.is_plain = epoch.is_some_and(|(call, _)| self.plain_call == Some(call));
        }
        Some((self.codec.as_mut()?, self.is_plain))
    }
}
