import { Duologue, guest } from "@duologue/sdk";

const url = "http://127.0.0.1:8080";
const { token } = await guest(url, { name: "Mia" }); // the same one after a reload
const duo = await Duologue.connect({ url, token });

const [audio, video] = (await navigator.mediaDevices.getUserMedia({ audio: true, video: true })).getTracks();
duo.media.set({ audio: audio!, video: video! });
duo.on("rang", ({ invite }) => duo.invites.accept(invite, { seconds: 120 }));
duo.on("change", () => (document.querySelector("video")!.srcObject = duo.call?.stream ?? null));

await duo.lobby.join();
if (!duo.call) await duo.lobby.meet(); // or: duo.lobby.watch(), then duo.lobby.invite(user, { seconds: 120 })
