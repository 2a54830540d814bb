// Who computes the frames: a server (server.js), or a worker of this page (local.js). The document
// says which. Both take the messages that docs/serve.md describes for the socket, and have
//
//   offers        {files, pictures, alone, says}: formats of downloads; how many pictures a prompt may
//                 have; what to say of a link to a page of this machine; texts for [data-says] elements
//   world()       the world, as `GET /api/v1/world` describes it; throws Refused
//   card()        what the world's makers say of it, Markdown
//   connect(on)   once, before `open`; what `on` hears is in link.js
//   open()        be there, or come back after LEFT_ALONE codes
//   send(message) false where there was nobody to say it to
//   build         what computes, as other builds may round otherwise; null where nobody can say
//   session       the id of the session that is played now, or null
//   renew()       leave this session for a new one, after an upload was refused with status 409
//   upload(png), forget(number)              pictures of the player
//   timeline(), frame(node)                  the film, as `GET /api/v1/timeline`, and a Blob
//   download(format, from, to, scale, onProgress)   the frames from node `from` to node `to` as one
//                 file; `onProgress(seconds, all)` where that takes as long as the film

export const isServed = document.documentElement.dataset.engine === undefined;

const { Engine } = await import(isServed ? "./server.js" : "./local.js");

export const engine = new Engine();
