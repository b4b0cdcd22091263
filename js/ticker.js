// A clock outside of the page's main thread. A hidden tab's own timers are slowed down, a worker's are not; and the time at
// which a tick was posted shows how long the page stood still before it handled it.
self.onmessage = ({ data: interval }) => setInterval(() => postMessage(performance.now()), interval);
