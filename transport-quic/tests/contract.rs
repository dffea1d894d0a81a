//! The contract of a transport, over loopback QUIC and WebTransport.

mod loopback;

use duologue_transport::contract_tests;
use loopback::Loopback;

mod raw {
    use super::*;
    contract_tests!(Loopback::raw());
}

mod web {
    use super::*;
    contract_tests!(Loopback::web());
}
