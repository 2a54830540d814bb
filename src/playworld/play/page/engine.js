// Who computes the frames: a server (server.js), or a worker of this page (local.js). The document
// says which. Both take the messages that docs/serve.md describes for the socket, and have
//
//   offers        {files, pictures}: formats of downloads, and how many pictures a prompt may have
//   world()       the world, as `GET /api/v1/world` describes it; throws Refused
//   card()        what the world's makers say of it, Markdown
//   connect(on)   once, before `open`; what `on` hears is in link.js
//   open()        be there, or come back after LEFT_ALONE codes
//   send(message) false where there was nobody to say it to
//   session       the id of the session that is played now, or null
//   renew()       leave this session for a new one
//   upload(png), forget(number)              pictures of the player
//   timeline(), frame(node)                  the film, as `GET /api/v1/timeline`, and a Blob
//   download(format, from, to, scale)        the frames from node `from` to node `to` as one file

const { Engine } = await import(`./${document.documentElement.dataset.engine ?? "server"}.js`);

export const engine = new Engine();
