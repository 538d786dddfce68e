//! Functions that are compiled for AVX2 as well, which does four values of 64 bits at once where every x86-64 processor does two.

/// Functions of columns that are there twice, plain and for AVX2; a call takes the one that the processor can do. What they call is part of
/// this only where it is inlined.
#[macro_export]
macro_rules! wide {
    ($(
        $(#[$meta:meta])*
        $vis:vis fn $name:ident($($arg:ident: $of:ty),* $(,)?) $(-> $result:ty)? $body:block
    )*) => {$(
        $(#[$meta])*
        $vis fn $name($($arg: $of),*) $(-> $result)? {
            #[inline(always)]
            fn plain($($arg: $of),*) $(-> $result)? $body

            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2")]
            fn wide($($arg: $of),*) $(-> $result)? {
                plain($($arg),*)
            }

            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                return unsafe { wide($($arg),*) };
            }
            plain($($arg),*)
        }
    )*};
}
