// What one writes first: maps of people, rings and calls in one process, and every change to everybody. It says and hears the same
// messages as Duologue, so that both can be measured with the same clients; rules, clocks, memory of what was missed, durability and
// defence it has none.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const people = new Map()
const rings = new Map()
const calls = new Map()
let last = 0

const http = createServer()
const io = new Server(http, { transports: ['websocket'], maxHttpBufferSize: 64 * 1024 })

const card = ({ user, name, selfie, video }) => ({ user, name, selfie, video })
const say = (to, t, body) => io.to(to).emit(t, { t, ...body })
const everybody = (t, body) => io.emit(t, { t, ...body })

function change(user, available) {
    people.get(user).available = available
    everybody('presence', { user, state: available ? 'available' : 'in_call' })
}

function end(call) {
    const { members } = calls.get(call)
    calls.delete(call)
    for (const member of members) {
        say(member, 'call_ended', { call, why: 'hang_up' })
        if (people.has(member)) change(member, true)
    }
}

io.on('connection', (socket) => {
    const user = socket.id

    socket.on('join', ({ name, selfie, video }) => {
        people.set(user, { user, name, selfie, video, available: true })
        socket.broadcast.emit('joined', { t: 'joined', ...card(people.get(user)) })
        const places = []
        for (const other of people.values()) {
            if (other.user !== user && other.available && places.push(card(other)) === 20) break
        }
        say(user, 'window', { user, places })
    })

    socket.on('invite', ({ to, seconds }) => {
        const invite = ++last
        rings.set(invite, { from: user, to, seconds })
        say(to, 'rang', { invite, from: card(people.get(user)), seconds })
    })

    socket.on('accept', ({ invite, seconds }) => {
        const ring = rings.get(invite)
        if (ring?.to !== user) return
        rings.delete(invite)
        const call = ++last
        const members = [ring.from, user]
        calls.set(call, { members })
        for (const member of members) {
            change(member, false)
            const peer = card(people.get(members.find((other) => other !== member)))
            say(member, 'call_started', { call, epoch: 1, peer, seconds: (ring.seconds + seconds) / 2, initiator: member === ring.from })
        }
    })

    for (const signal of ['description', 'candidates']) {
        socket.on(signal, (message) => {
            const members = calls.get(message.call)?.members
            if (members?.includes(user)) socket.to(members.find((other) => other !== user)).emit(signal, message)
        })
    }

    socket.on('hang_up', ({ call }) => {
        if (calls.get(call)?.members.includes(user)) end(call)
    })

    socket.on('disconnect', () => {
        for (const [call, { members }] of calls) if (members.includes(user)) end(call)
        if (people.delete(user)) everybody('left', { user })
    })
})

http.listen(0, '127.0.0.1', () => console.log(`listening on 127.0.0.1:${http.address().port}`))
