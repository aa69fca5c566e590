// Shows the API's own document with Swagger UI. Requests go out with the session of whoever looks,
// hence with the CSRF header that changes need.

const box = document.getElementById("swagger-ui");

window.SwaggerUIBundle({
  domNode: box,
  url: box.dataset.schema,
  deepLinking: false, // its links would stand inside the buttons that open an operation
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor(request) {
    request.headers["X-CSRFToken"] = box.dataset.csrf;
    return request;
  },
});
