// Streams the request body back and tells in x-method and x-path what the guest saw.
addEventListener("fetch", (event) => {
  const { body, method, url } = event.request;
  const { pathname, search } = new URL(url);
  event.respondWith(
    new Response(body, { headers: { "x-method": method, "x-path": pathname + search } }),
  );
});
