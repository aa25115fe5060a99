// A fetch-event listener, the most common shape of a JavaScript handler: answers 200 "hello world\n".
addEventListener("fetch", (event) => {
  event.respondWith(
    new Response("hello world\n", { headers: { "content-type": "text/plain" } }),
  );
});
