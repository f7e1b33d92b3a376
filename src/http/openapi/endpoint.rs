use actix_web::http::Method;
use actix_web::web::{method, resource, route};
use actix_web::{FromRequest, Handler, HttpRequest, HttpResponse, Resource, Responder, Route};

use super::operation::Operation;
use crate::error::ApiError;

/// A path: what is served there, and what that is. Any other method is 405 and says which ones there are.
pub struct Endpoint {
    pub(super) path: &'static str,
    pub(super) operations: Vec<(Method, Operation)>,
    methods: Vec<Method>,
    resource: Resource,
}

impl Endpoint {
    /// A path as OpenAPI writes it: `/api/agents/{id}`.
    #[must_use]
    pub fn at(path: &'static str) -> Self {
        Self::matching(path, path)
    }

    /// The same where actix-web has to be told more: `/api/agents/{id:.+}`.
    #[must_use]
    pub fn matching(path: &'static str, pattern: &'static str) -> Self {
        Self { path, operations: Vec::new(), methods: Vec::new(), resource: resource(pattern) }
    }

    /// A path that is only read; `HEAD` answers as `GET` does, without the body.
    #[must_use]
    pub fn read<F, Args>(path: &'static str, handler: F, operation: Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        Self::at(path).get(handler, operation)
    }

    /// Answers `GET` and `HEAD`.
    #[must_use]
    pub fn get<F, Args>(self, handler: F, operation: Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let head = method(Method::HEAD).to(handler.clone());
        self.serves(Method::GET, method(Method::GET).to(handler), operation).unnamed(Method::HEAD, head)
    }

    /// Answers `POST`.
    #[must_use]
    pub fn post<F, Args>(self, handler: F, operation: Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.serves(Method::POST, method(Method::POST).to(handler), operation)
    }

    /// Answers `DELETE`.
    #[must_use]
    pub fn delete<F, Args>(self, handler: F, operation: Operation) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        self.serves(Method::DELETE, method(Method::DELETE).to(handler), operation)
    }

    /// Sets what handlers of this path find in the application's data, such as a limit.
    #[must_use]
    pub fn data<T: 'static>(mut self, data: T) -> Self {
        self.resource = self.resource.app_data(data);
        self
    }

    fn serves(mut self, method: Method, route: Route, operation: Operation) -> Self {
        self.operations.push((method.clone(), operation));
        self.unnamed(method, route)
    }

    fn unnamed(mut self, method: Method, route: Route) -> Self {
        self.methods.push(method);
        self.resource = self.resource.route(route);
        self
    }

    /// What actix-web serves.
    #[must_use]
    pub fn into_resource(self) -> Resource {
        let allow = self.methods.iter().map(Method::as_str).collect::<Vec<_>>().join(", ");
        let refuse = move |request: HttpRequest| {
            let refusal = ApiError::method_not_allowed(request.method().as_str(), &allow);
            async move { Err::<HttpResponse, _>(refusal) }
        };
        self.resource.default_service(route().to(refuse))
    }
}
