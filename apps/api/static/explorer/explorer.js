"use strict";

// The CSRF token that a session of the portal needs; Basic credentials, which "Authorize" asks for, need none.
const TOKEN_HEADER = "X-Harbor-CSRF-Token";
let csrfToken = "";

SwaggerUIBundle({
  url: "/api/v2.0/openapi.json",
  dom_id: "#explorer",
  deepLinking: true,
  docExpansion: "none",
  filter: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    if (csrfToken) {
      request.headers[TOKEN_HEADER] = csrfToken;
    }
    return request;
  },
  responseInterceptor: (response) => {
    csrfToken = response.headers[TOKEN_HEADER.toLowerCase()] || csrfToken;
    return response;
  },
});
