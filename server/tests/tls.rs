//! HTTPS and WSS end to end: the real process with a certificate made for it, and a client that believes nobody else.

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Message, client};

/// A server with a certificate for `localhost`; its folder is gone with it.
struct Served {
    child: Child,
    folder: PathBuf,
    address: String,
    believes: Arc<ClientConfig>,
}

impl Served {
    fn start() -> Served {
        let folder = std::env::temp_dir().join(format!("duologue-tls-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        let made = rcgen::generate_simple_self_signed(["localhost".to_string()]).expect("a certificate");
        fs::write(folder.join("certificate.pem"), made.cert.pem()).expect("written");
        fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_duologue"));
        command.current_dir(&folder).args(["serve", "--listen", "127.0.0.1:0", "--ready", "json"]);
        command.args(["--set", "tls.certificate=certificate.pem", "--set", "tls.key=key.pem"]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a first line");
        let ready: Value = serde_json::from_str(&line).expect("JSON on the first line");
        let address = ready["http"].as_str().expect("an address").to_string();
        assert_eq!(ready["ws"], format!("wss://{address}/v1/ws"));
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Served { child, folder, address, believes: Arc::new(config) }
    }

    fn connect(&self) -> StreamOwned<ClientConnection, TcpStream> {
        let stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        let name = ServerName::try_from("localhost").expect("a name");
        StreamOwned::new(ClientConnection::new(self.believes.clone(), name).expect("a client"), stream)
    }

    fn http(&self, head: &str, body: &str) -> Value {
        let mut stream = self.connect();
        let length = body.len();
        write!(stream, "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}").expect("sent");
        let mut answer = String::new();
        // A peer that ends TCP without a TLS goodbye is an error after the last byte.
        let _ = stream.read_to_string(&mut answer);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("an answer: {answer:?}"));
        serde_json::from_str(body).unwrap_or_else(|_| panic!("JSON: {answer:?}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn https_and_wss_are_served_with_the_operator_s_certificate() {
    let server = Served::start();
    assert_eq!(server.http("GET /health HTTP/1.1", "")["status"], "ok");
    let guest = server.http("POST /v1/guests HTTP/1.1\r\nContent-Type: application/json", r#"{"name":"Mia"}"#);
    let token = guest["token"].as_str().expect("a token");

    let request = "wss://localhost/v1/ws".into_client_request().expect("a request");
    let (mut socket, _) = client(request, server.connect()).expect("upgraded");
    socket.send(Message::text(format!(r#"{{"t":"hello","token":"{token}"}}"#))).expect("sent");
    let Message::Text(text) = socket.read().expect("a message") else { panic!("text") };
    let welcome: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&welcome["t"], &welcome["user"]["name"]), (&"welcome".into(), &"Mia".into()));
    socket.send(Message::text(r#"{"t":"join","id":1}"#)).expect("sent");
    let Message::Text(text) = socket.read().expect("a message") else { panic!("text") };
    assert!(text.contains(r#""re":1"#), "{text}");

    // Who does not speak TLS is not served, and does not disturb those who do.
    let mut plain = TcpStream::connect(&server.address).expect("a connection");
    plain.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
    write!(plain, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/"), "{answer:?}");
    socket.send(Message::text(r#"{"t":"ping"}"#)).expect("sent");
    let Message::Text(text) = socket.read().expect("a message") else { panic!("text") };
    assert!(text.contains("pong"), "{text}");
}
