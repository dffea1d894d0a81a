//! `duologue serve`: puts everything together in the order in which it can fail, runs it, and takes it down again. The data
//! folder first (another process may have it), then the port, then the realm from its rows; only what serves says so.

use crate::banner::{self, Facts, Paper};
use crate::certificates::{Certificates, Source};
use crate::cli::{Form, Options};
use crate::company::{Company, Place};
use crate::config::{Settings, Value, write_size};
use crate::http::{App, router};
use crate::quic::Asked;
use crate::realm::{self, Around, Ended, Failed, Realm, judge_memory};
use crate::{listen, quic, reach, secrets};
use duologue_transport::Table;
use duologue_transport_quic::{Carrier, Keys};
use duologue_transport_ws::handshake::Origins;
use std::io::{Write, stdout};
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{info, warn};

/// Connections that speak HTTP, beside those that became WebSockets.
const HTTP_MOST: usize = 2_048;

/// Runs the server until it is told to stop.
///
/// # Errors
/// `Failed` – it could not start, or had to end.
pub fn serve(settings: &Settings, options: &Options) -> Result<(), Failed> {
    raise_descriptors(settings.limits().links_max);
    let folder = settings.text("data").expect("it has a default").to_string();
    let store = realm::open(Path::new(&folder))?;
    let Value::Listen(wanted) = *settings.value("listen") else { unreachable!("its kind") };
    let others = options.https.then(|| others(wanted.ip()));
    let certificates = certificates(settings, Path::new(&folder), wanted.ip(), others.as_deref())?;
    let listener = listen::bind(wanted).map_err(Failed::because)?;
    let address = listener.local_addr().map_err(|error| Failed::because(error.to_string()))?;
    let udp = match settings.quic_listen() {
        Some(udp) => Some((
            quic::bind(udp, address, wanted.port() == 0).map_err(Failed::because)?,
            quic::keys(Path::new(&folder)).map_err(Failed::because)?,
        )),
        None => None,
    };
    let realm = Realm::start(settings, store, options.accept_clock)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| Failed::because(error.to_string()))?;
    let next_conn = Arc::new(AtomicU64::new(1));
    let origins = Origins { allowed: settings.texts("http.origins").to_vec() };
    let asked = Asked { next_conn: next_conn.clone(), origins: origins.clone(), http_port: address.port() };
    let carrier = udp.zip(certificates.clone());
    let carrier = carrier.map(|(udp, certificates)| carrier_of(settings, &runtime, udp, certificates, &realm.table, asked)).transpose()?;
    let app = realm.app(settings, Around { carrier, certificates: certificates.clone(), next_conn, origins });
    let tls = certificates.clone().filter(|certificates| options.https || !certificates.is_development());
    // On a phone one writes the address without its scheme.
    let tls = tls.map(|certificates| listen::tls(certificates, options.https));
    let facts = Facts {
        address,
        secure: tls.is_some(),
        others,
        quic: app.quic_address(),
        people: options.with_people,
        folder,
        budget: write_size(settings.size("memory.budget")),
    };
    let served = runtime.block_on(async {
        let listener = TcpListener::from_std(listener).map_err(|error| Failed::because(error.to_string()))?;
        // The restore is over once the realm answers.
        app.driver.look().await.map_err(|_| Failed::because("the realm ended at once"))?;
        tokio::spawn(listen::accept(listener, tls, router(app.clone()), HTTP_MOST));
        tokio::spawn(judge_memory(app.clone(), settings.judge()));
        if let Some(carrier) = app.carrier.clone() {
            tokio::spawn(async move { carrier.accept().await });
        }
        if let Some(certificates) = certificates {
            let hangup = signal(SignalKind::hangup()).map_err(|error| Failed::because(error.to_string()))?;
            tokio::spawn(renew_certificates(certificates, hangup));
        }
        let company = options.with_people.map(|people| company(settings, people, &app));
        say_ready(options, &facts);
        until_told(&app, Ended::of(realm.thread), company).await
    });
    runtime.shutdown_background();
    served
}

/// QUIC and WebTransport, which run inside of the runtime.
fn carrier_of(
    settings: &Settings,
    runtime: &Runtime,
    (socket, keys): (UdpSocket, Keys),
    certificates: Arc<Certificates>,
    table: &Arc<Table>,
    asked: Asked,
) -> Result<Arc<Carrier>, Failed> {
    let _inside = runtime.enter();
    let carrier = quic::carrier(socket, settings, keys, certificates, table.clone(), asked);
    carrier.map(Arc::new).map_err(|error| Failed::because(format!("QUIC: {error}")))
}

/// So many made-up people, over links in this process.
fn company(settings: &Settings, people: u32, app: &App) -> Company {
    let config = settings.company(people, u64::from_ne_bytes(secrets::random()));
    let place = Place { driver: app.driver.clone(), table: app.table.clone(), next_conn: app.next_conn.clone(), here: app.made_up.clone() };
    Company::start(config, place)
}

/// Where other devices reach what listens there.
fn others(listened: IpAddr) -> Vec<IpAddr> {
    reach::addresses(listened).unwrap_or_else(|error| {
        warn!(%error, "the system does not tell its interfaces");
        Vec::new()
    })
}

/// The certificate, where one is needed: TLS has the operator's, or with `--https` (`others`) one for development; QUIC has the same,
/// or one for development where HTTP is plain.
fn certificates(
    settings: &Settings,
    folder: &Path,
    listened: IpAddr,
    others: Option<&[IpAddr]>,
) -> Result<Option<Arc<Certificates>>, Failed> {
    let source = match (settings.certificate(), others) {
        (Some(files), None) => files,
        (_, Some(others)) => {
            let names = reach::names().into_iter().chain(others.iter().map(ToString::to_string)).collect();
            Source::Development { folder: folder.into(), names }
        }
        _ if settings.quic_listen().is_some() => {
            let named = !listened.is_unspecified() && !listened.is_loopback();
            Source::Development { folder: folder.into(), names: named.then(|| listened.to_string()).into_iter().collect() }
        }
        _ => return Ok(None),
    };
    Certificates::new(source).map(Some).map_err(|error| Failed::because(error.to_string()))
}

/// Another certificate takes the present one's place, and nobody is dropped: at SIGHUP, and when a development certificate ages.
async fn renew_certificates(certificates: Arc<Certificates>, mut hangup: Signal) {
    loop {
        let age = async {
            match certificates.renew_after() {
                Some(after) => tokio::time::sleep(after).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = hangup.recv() => {}
            () = age => {}
        }
        match certificates.renew() {
            Ok(()) => info!("the certificate was looked at again"),
            Err(error) => warn!(%error, "the certificate that holds stays"),
        }
    }
}

/// A connection is a descriptor: as many as the system lets this process have.
fn raise_descriptors(connections: u32) {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        limit = getrlimit(Resource::Nofile);
    }
    let wanted = u64::from(connections) + 256;
    if limit.current.is_some_and(|most| most < wanted) {
        warn!(
            descriptors = limit.current,
            wanted, "fewer connections fit than connections.max: the system gives this process too few descriptors (ulimit -n)"
        );
    }
}

/// Waits for a signal or for the realm's own end, and takes everything down.
async fn until_told(app: &App, ended: Ended, company: Option<Company>) -> Result<(), Failed> {
    let told = |kind| signal(kind).map_err(|error| Failed::because(error.to_string()));
    let (mut terminate, mut interrupt) = (told(SignalKind::terminate())?, told(SignalKind::interrupt())?);
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        ending = ended.wait() => return ending,
    }
    // Made-up people do not come back after a restart: their calls end.
    let first = async {
        if let Some(company) = company {
            company.stop().await;
        }
    };
    realm::stop(app, &ended, first).await
}

/// The first words: for people, or for whoever started it.
fn say_ready(options: &Options, facts: &Facts) {
    // Where the log is for machines nobody points a camera at the screen.
    let paper = Paper { terminal: Paper::stdout().terminal && options.log.is_none(), ..Paper::stdout() };
    let text = match options.ready {
        Some(Form::Json) => format!("{}\n", banner::for_programs(facts)),
        None => banner::for_people(facts, paper),
    };
    let mut out = stdout();
    // Whoever started it may not listen.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    info!(address = %facts.address, folder = facts.folder, version = env!("CARGO_PKG_VERSION"), "serving");
    if let Some(people) = facts.people {
        warn!(people, "people in the lobby are made up by this server (--with-people)");
    }
}
